// Whether a tensor is the reference in a coarser precision.
#pragma once

#include <optional>
#include <string>

#include "compare/plain_tensor.h"

namespace sonde::compare {

struct Rounding {
  std::string message;    // "rounded to bfloat16"
  bool floating = false;  // to half or bfloat16: no fault in a model of that precision
};

// To half, bfloat16 (nearest, or cut off) or single precision, or to so many decimals: exact. `pair` has one shape.
[[nodiscard]] std::optional<Rounding> find_rounding(const PlainPair& pair);

// To an even grid of at most 256 levels for the whole tensor or for each slice of dimension 0 or 1: every element lies on
// the grid, and within half a step of the reference, but for what the ends of the grid cut off.
[[nodiscard]] std::optional<Rounding> find_integer_grid(const PlainPair& pair);

}  // namespace sonde::compare
