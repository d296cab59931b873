// A reference of which only activations are known: tensors that somebody dumped while it ran.
#pragma once

#include <vector>

#include <sonde/comparison.h>

#include "compare/recorder.h"
#include "compare/walk.h"

namespace sonde::compare {

// Matches dumps to the target's activations, by name, shape, order and content, and judges what lies between two of them by
// running it on the first. What rounding explains is measured on the target itself, in double precision.
[[nodiscard]] WalkResult walk_dumps(const std::vector<DumpedTensor>& dumps, const Recording& target,
                                    const Options& options);

}  // namespace sonde::compare
