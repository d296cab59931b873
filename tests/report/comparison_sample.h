// Comparisons for the tests of their writers.
#pragma once

#include <sonde/comparison.h>

namespace sonde::report {

// eps of a batch normalisation: found, and mended by a trial.
[[nodiscard]] compare::Fault wrong_eps();

// Three batch normalisations with that eps, a permuted weight, one that has no effect, and a missing operation.
[[nodiscard]] compare::Result faulty();
// The same models without faults.
[[nodiscard]] compare::Result alike();

}  // namespace sonde::report
