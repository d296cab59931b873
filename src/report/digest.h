// What the writers for people tell of a finding: the same selection on a terminal and on a page.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <sonde/report.h>

namespace sonde::report {

// The spelling of the best cause, "learning-rate-too-high"; the kind of the symptom where no cause is known.
[[nodiscard]] std::string kind_of(const Finding& finding);

// The causes that are told, best first. REQUIRES: Finding::causes best first. Points into `finding`.
[[nodiscard]] std::span<const RankedCause> told_causes(const Finding& finding);

// The first distinct fixes of the causes that are told, clean.
[[nodiscard]] std::vector<std::string> fixes_of(const Finding& finding);

// A line of what speaks for the causes, told once; `source` names the line of the program where that is not the origin's.
struct Reason {
  std::string text;
  std::string source;
};
[[nodiscard]] std::vector<Reason> reasons_of(const Finding& finding);

// "followed by 61 symptoms in 9 layers from step 37 on, folded into this incident; last seen on step 80"; may be empty.
[[nodiscard]] std::string course_of(const Finding& finding);

}  // namespace sonde::report
