// A report with everything in it, for the tests of the writers.
#pragma once

#include <sonde/report.h>

namespace sonde::report {

// The incident of DESIGN's example: the log of a probability that reached zero.
[[nodiscard]] Finding log_of_zero();
// A short one: too many dropout layers.
[[nodiscard]] Finding redundant_dropout();

// One error, one warning, one advice, two things not observed.
[[nodiscard]] Report sick();
// The same program without findings.
[[nodiscard]] Report healthy();

}  // namespace sonde::report
