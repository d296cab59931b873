// Places of a program in words.
#pragma once

#include <string>

#include <sonde/finding.h>

namespace sonde::report {

// "forward of head.log (aten::log)", "gradient of fc1", "the optimizer".
[[nodiscard]] std::string describe(const Location& location);

// The layer or part alone: "head.log", "the optimizer".
[[nodiscard]] std::string short_name(const Location& location);

// "train.cpp:41", without the directories, which are long and the same for all lines of a program; "in main" if only
// the function is known; empty if nothing is.
[[nodiscard]] std::string describe(const SourceLine& source);

}  // namespace sonde::report
