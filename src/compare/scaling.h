// Whether a tensor is the reference times or plus something.
#pragma once

#include <optional>
#include <string>

#include <sonde/comparison.h>

#include "compare/plain_tensor.h"

namespace sonde::compare {

struct Scaling {
  Cause cause = Cause::parameter_scaled;
  std::string message;
};

// One factor, one factor for each slice of dimension 0 or 1, or one number added everywhere; within the rounding of the
// target's own precision `epsilon`, and not in tensors too small or too even to tell. `pair` has one shape.
[[nodiscard]] std::optional<Scaling> find_scaling(const PlainPair& pair, const Figures& figures, double epsilon);

}  // namespace sonde::compare
