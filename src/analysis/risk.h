// Risk: operations that stood close to the edge of their domain when they were last observed.
#pragma once

#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// For a step that was not observed and turned out not finite: quotients, logarithms, roots and exponentials of tensors
// by how close their operand came to where they break. At most three, the closest first; empty if none is near.
[[nodiscard]] std::vector<Suspect> risky_operations(const Run& run);

}  // namespace sonde::analysis
