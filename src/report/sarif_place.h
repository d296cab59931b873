// Places of a program as SARIF has them: a line of a file for those who have the sources, a name for all.
#pragma once

#include <string>
#include <string_view>

#include <sonde/report.h>
#include <nlohmann/json.hpp>

namespace sonde::report {

inline constexpr const char* kRootId = "SRCROOT";

// Stays the same from run to run and from machine to machine: made of the rule, the place without its line, and the
// file's name. 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint(std::string_view rule, const Location& where);

// Thread-safety: a const object may be used by several threads. The report must outlive it.
class SarifPlaces {
 public:
  using Json = nlohmann::ordered_json;

  // `root`: see Report::to_sarif().
  SarifPlaces(const Report& report, std::string_view root);

  [[nodiscard]] bool has_root() const noexcept { return !root_.empty(); }
  [[nodiscard]] Json root() const;  // an artifactLocation

  // With the line, if it is known.
  [[nodiscard]] Json location(const Location& where) const;

  // Of the origin. Code scanning refuses a file of results if one of them has no line at all, so that a finding whose
  // own line is not known gets the nearest one: of its causes, of what followed, at last the first of the report.
  [[nodiscard]] Json location_of(const Finding& finding) const;

 private:
  [[nodiscard]] Json physical(const SourceLine& source) const;

  std::string root_;  // ends in a slash
  const SourceLine* any_ = nullptr;
};

}  // namespace sonde::report
