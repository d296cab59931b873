// What `sonde watch` shows of a run at one moment.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sonde/report.h>

#include "trace/trace_file.h"

namespace sonde::command {

enum class RunState { running, ended, gone };  // gone: the program ended without closing its trace

// Lines without line breaks, cut to `width` columns. `report` is what is known of the same run.
[[nodiscard]] std::vector<std::string> frame(const trace::Trace& trace, const Report& report, RunState state,
                                             std::size_t width);

// The same in one line, for output that is no terminal.
[[nodiscard]] std::string short_line(const trace::Trace& trace, const Report& report, RunState state);

// `text`, which is clean UTF-8, cut to so many columns.
[[nodiscard]] std::string cut(const std::string& text, std::size_t width);

}  // namespace sonde::command
