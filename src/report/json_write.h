// What the writers of JSON have in common.
#pragma once

#include <string>
#include <vector>

#include <sonde/finding.h>
#include <nlohmann/json.hpp>

namespace sonde::report {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json encode(const SourceLine& source);  // null if nothing is known

template <typename T>
[[nodiscard]] Json all(const std::vector<T>& list, Json (*encode)(const T&)) {
  Json array = Json::array();
  for (const T& value : list) array.push_back(encode(value));
  return array;
}

// Names come from the user's program and may be no UTF-8: replaced, where dump() would throw by default.
[[nodiscard]] std::string text(const Json& json, int indent);

}  // namespace sonde::report
