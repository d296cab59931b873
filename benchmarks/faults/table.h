// The suite's results for people: a row a case, a table by benchmark, the sum in one line.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "faults/scoring.h"

namespace sonde::faults {

void print_rows(std::ostream& out, const std::vector<CaseScore>& scores);
// Of runs without a monitor: what the programs did.
void print_bare(std::ostream& out, const std::vector<CaseScore>& scores);
void print_benchmarks(std::ostream& out, const std::vector<CaseScore>& scores);

// "faults: cases=N identified=a/b localised=c/d explained=e/d false_alarms=f/g advice_median=h seconds=s"
[[nodiscard]] std::string summary_line(const Totals& totals, double seconds);

// Everything, every finding of every run.
[[nodiscard]] nlohmann::json to_json(const std::vector<CaseScore>& scores, double seconds);

}  // namespace sonde::faults
