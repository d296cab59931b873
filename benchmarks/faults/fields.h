// Strict reading of JSON objects: every access says what is wanted, and what nobody asked for is refused.
//
// All errors are CaseError with the JSON pointer of the value, what was expected and what was got.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace sonde::faults {

using nlohmann::json;

// A case file that is not what the format wants. what() begins with the JSON pointer of the offending value.
class CaseError : public std::runtime_error {
 public:
  CaseError(const std::string& path, const std::string& expected, const std::string& got);
};

// A short picture of a value for error messages.
[[nodiscard]] std::string describe(const json& value);

[[nodiscard]] double as_number(const json& value, const std::string& path);
[[nodiscard]] std::int64_t as_whole(const json& value, const std::string& path, std::int64_t at_least);
[[nodiscard]] std::vector<double> as_numbers(const json& value, const std::string& path);
[[nodiscard]] std::vector<std::int64_t> as_sizes(const json& value, const std::string& path, std::int64_t at_least);
[[nodiscard]] std::vector<std::string> as_names(const json& value, const std::string& path);

// One JSON object. Refers to the value it was made of. Getters with a fallback return it when the field is absent; the
// others throw. done() must be called last: it refuses fields that were never asked for.
class Fields {
 public:
  Fields(const json& value, std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string path(std::string_view key) const { return path_ + "/" + std::string(key); }

  // The field's value, or null when it is absent or JSON null.
  [[nodiscard]] const json* find(std::string_view key);
  [[nodiscard]] const json& need(std::string_view key, const std::string& expected);

  [[nodiscard]] double number(std::string_view key, double at_least = std::numeric_limits<double>::lowest(),
                              double at_most = std::numeric_limits<double>::max());
  [[nodiscard]] double number_or(std::string_view key, double fallback,
                                 double at_least = std::numeric_limits<double>::lowest(),
                                 double at_most = std::numeric_limits<double>::max());
  [[nodiscard]] std::int64_t whole(std::string_view key, std::int64_t at_least);
  [[nodiscard]] std::int64_t whole_or(std::string_view key, std::int64_t fallback, std::int64_t at_least);
  [[nodiscard]] bool boolean_or(std::string_view key, bool fallback);
  [[nodiscard]] bool boolean(std::string_view key);
  [[nodiscard]] std::string text(std::string_view key);
  [[nodiscard]] std::string choice(std::string_view key, std::initializer_list<std::string_view> choices);
  [[nodiscard]] std::string choice_or(std::string_view key, std::string_view fallback,
                                      std::initializer_list<std::string_view> choices);
  [[nodiscard]] std::vector<std::string> names_or_empty(std::string_view key);

  // Fields that are documentation: read by nobody, allowed.
  void allow(std::initializer_list<std::string_view> keys);
  void done() const;

 private:
  const json& value_;
  std::string path_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace sonde::faults
