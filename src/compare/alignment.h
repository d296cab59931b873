// Alignment: which operations of two models correspond, found without names.
//
// The longest common subsequence of items by weight (dynamic programming, O(n m)): the same kind counts, and more so the
// same output shape, equal arguments and equal parameters, which tell repeated blocks apart. Items stand in the order of
// execution, or in that of the data flow, whichever gives the better alignment. Source: the method is that of text diffs
// (Needleman and Wunsch 1970, with no cost for gaps); weights by kind, shape and parameters are ours.
#pragma once

#include <vector>

#include "compare/items.h"

namespace sonde::compare {

// For each item of the target its counterpart in the reference, and the other way round; kNone where there is none.
struct Alignment {
  std::vector<int> reference_of;
  std::vector<int> target_of;
};

[[nodiscard]] Alignment align(const Side& reference, const Side& target);

}  // namespace sonde::compare
