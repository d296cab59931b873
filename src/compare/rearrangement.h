// Whether one tensor holds the values of another at other places: dimensions swapped, slices in another order, or memory
// read in another layout. Everything found is exact.
#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "compare/parameter_diagnosis.h"
#include "compare/plain_tensor.h"

namespace sonde::compare {

struct Rearrangement {
  Cause cause = Cause::parameter_permuted;
  std::string message;
  std::string repair;
  // False where the values are the same, but no order of whole slices explains where they are.
  bool explained = true;
};

// Linear in time if the values differ, which most tensors that differ do; else n log n at most. `pair` is not equal, but
// may be of two shapes. Nothing is found in tensors whose few values could be in another order by chance.
[[nodiscard]] std::optional<Rearrangement> find_rearrangement(const PlainPair& pair, const ParameterRole& role);

}  // namespace sonde::compare
