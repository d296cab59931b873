// Outcomes for people and as JSON.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "compare/judge.h"

namespace sonde::pairs {

// A row for each kind of fault, then for each kind of clean pair.
void print_table(std::ostream& out, const std::vector<Outcome>& outcomes);
// What was said of a pair that went wrong; nothing of the others.
void print_failure(std::ostream& out, const Outcome& outcome);
// "compare: faults=N located=a/b cause=c/d repaired=e/f two_at_once=g/h false_alarms=i/j bf16=k/l"; false alarms count
// the clean pairs in bfloat16 too.
[[nodiscard]] std::string summary_line(const std::vector<Outcome>& outcomes);
[[nodiscard]] nlohmann::json to_json(const std::vector<Outcome>& outcomes);

}  // namespace sonde::pairs
