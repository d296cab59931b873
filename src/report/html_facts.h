// The facts of a run as parts of an HTML page: what it is, what watching cost, what was watched and what was not.
#pragma once

#include <string>

#include <sonde/report.h>

namespace sonde::report {

[[nodiscard]] std::string context_section(const Report& report);
[[nodiscard]] std::string cost_section(const Report& report);
[[nodiscard]] std::string watched_section(const Report& report);

}  // namespace sonde::report
