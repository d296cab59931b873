// Numbers as reports show them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sonde::rules {

// Three significant digits, "inf" and "nan" in words.
[[nodiscard]] std::string number(double value);
[[nodiscard]] std::string percent(double share);
// "1 filter", "3 filters".
[[nodiscard]] std::string counted(std::int64_t count, const std::string& what);

}  // namespace sonde::rules
