// One operation of the target against its counterpart: arguments, parameters, and what it makes of the reference's
// activations.
#pragma once

#include <vector>

#include <sonde/comparison.h>

#include "compare/ground.h"

namespace sonde::compare {

// What would mend a pair, where trying it succeeded.
struct Mend {
  Substitution substitution;
  std::vector<std::pair<int, at::Tensor>> stored;  // by index in the target's Tape::stored: what it should hold
};

struct PairCheck {
  std::vector<Fault> faults;
  double error = 0;  // NaN: it could not be run on the reference's activations
  double floor = 0;
  Mend mend;  // empty unless the faults' repairs were accepted
  std::size_t parameters = 0, equal_parameters = 0;
};

// `inputs` gives the reference's value for each of the target item's inputs; kNone where none fits.
[[nodiscard]] PairCheck check_pair(const Ground& ground, int reference_item, int target_item,
                                   const std::vector<int>& inputs);

}  // namespace sonde::compare
