#include "report/json_field.h"

#include <fmt/format.h>
#include <sonde/report.h>

#include "report/text.h"

namespace sonde::report {
namespace {

// What was got, short enough for a message.
std::string shown(const nlohmann::json& json) {
  constexpr std::size_t kLongest = 40;
  if (json.is_object()) return "an object";
  if (json.is_array()) return "a list";
  std::string text = clean(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (text.size() > kLongest) text = clean(text.substr(0, kLongest)) + "...";
  return text;
}

}  // namespace

Field Field::operator[](const char* name) const {
  require(json_.is_object(), "an object");
  const auto found = json_.find(name);
  if (found == json_.end()) throw ReportError(fmt::format("{}: has no field \"{}\"", path(), name));
  return {*found, this, name, 0};
}

const std::string& Field::text() const {
  require(json_.is_string(), "a string");
  return json_.get_ref<const std::string&>();
}

double Field::number() const {
  if (json_.is_null()) return std::numeric_limits<double>::quiet_NaN();
  require(json_.is_number(), "a number or null");
  return json_.get<double>();
}

std::uint64_t Field::count(std::uint64_t most) const {
  const bool fits = json_.is_number_unsigned() && json_.get<std::uint64_t>() <= most;
  if (!fits) fail(fmt::format("a whole number from 0 to {}", most));
  return json_.get<std::uint64_t>();
}

void Field::fail(std::string_view wanted) const {
  throw ReportError(fmt::format("{}: got {}, wanted {}", path(), shown(json_), wanted));
}

std::string Field::path() const {
  if (parent_ == nullptr) return "the document";
  if (name_ == nullptr) return fmt::format("{}[{}]", parent_->path(), index_);
  return parent_->parent_ == nullptr ? std::string(name_) : fmt::format("{}.{}", parent_->path(), name_);
}

}  // namespace sonde::report
