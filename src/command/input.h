// The files that the command reads: traces and reports, told apart by what they hold, not by their names.
#pragma once

#include <string>

#include <sonde/report.h>

#include "trace/trace_file.h"

namespace sonde::command {

// Throw std::runtime_error that begins with the name of the file and says what is wrong with it.

// Of a report, what it says; of a trace, what replaying it gives.
[[nodiscard]] Report read_report(const std::string& path);

// `purpose` is what needs the trace, for the message about a file that is a report: "watch".
[[nodiscard]] trace::Trace read_trace(const std::string& path, const std::string& purpose);

}  // namespace sonde::command
