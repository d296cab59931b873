// How operations are connected: missing, extra, of another kind, wired otherwise.
//
// An operation of the target should take what its counterpart takes. Where it takes something else, the operations in
// between are run on the reference's activations: if they give the reference's tensor, they say the same in other words (a
// GELU spelled out, a batch norm folded into the convolution before it), and nothing is said.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include <sonde/comparison.h>

#include "compare/ground.h"

namespace sonde::compare {

struct InputCheck {
  std::optional<Fault> fault;
  // Pairs (items of the target) that are right only together with what lies between: what was said of them is void.
  std::set<int> absolved;
};

// What the target takes at one place, against what the reference takes there. `target_item`: who takes it, or kNone for
// an output of the model.
[[nodiscard]] InputCheck check_input(Ground& ground, int target_item, int target_value, int reference_item,
                                     int reference_value);

// Whether an item gives the reference's outputs when it is run together with the unmatched operations before it, on the
// reference's activations: a batch norm folded into the convolution behind it.
[[nodiscard]] bool equal_with_what_precedes(const Ground& ground, int reference_item, int target_item);

// Faults that are two sides of one: an operation that is missing here and too many there has moved.
void join_moved(std::vector<Fault>& faults);

}  // namespace sonde::compare
