// The report as text for people, in the manner of a compiler's messages.
#pragma once

#include <string>
#include <vector>

#include <sonde/report.h>

namespace sonde::report {

// A part of the text that belongs together: the context, one finding, what was not observed, the cost.
struct Block {
  enum class Level { info, warning, error };
  Level level = Level::info;
  std::string text;  // one or several lines, without a line break at the end
};

[[nodiscard]] std::vector<Block> describe(const Report& report);

// One finding, as in the report of this monitor.
[[nodiscard]] Block describe(const std::string& monitor, const Finding& finding);

// The whole run in one line.
[[nodiscard]] std::string closing_line(const Report& report);

}  // namespace sonde::report
