// Journal: what the catalog tells of each change, so that a copy of it can be kept.
#pragma once

#include <cstdint>
#include <string>

#include <sonde/finding.h>

namespace sonde::trace {

struct Program;
struct Site;

// Called by the catalog under its mutex, in the order of the changes, and before any record can refer to them. Must not
// call the catalog. `position`: how many records had been pushed before.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void site_added(const Site& site) noexcept = 0;  // its position is Site::since
  virtual void source_found(std::uint32_t site, const SourceLine& source) noexcept = 0;
  virtual void program_changed(const Program& program, std::uint64_t position) noexcept = 0;
  // `count` is the sum of all times.
  virtual void not_observed(const std::string& what, const std::string& reason, std::uint64_t count) noexcept = 0;
};

}  // namespace sonde::trace
