// How far a tensor is from another one.
#pragma once

#include <ATen/core/Tensor.h>

namespace sonde::compare {

// |a - b| / |b| in the L2 norm, in double precision. Infinite if shapes differ, or one is finite where the other is not; 0 if
// both are equal, also where both have the same non-finite elements; NaN if either is undefined.
[[nodiscard]] double relative_error(const at::Tensor& a, const at::Tensor& b);

// The same where other shapes of the same elements in the same order are the same. Infinite if either is undefined.
[[nodiscard]] double relative_error_in_any_shape(const at::Tensor& a, const at::Tensor& b);

// What rounding to single precision alone explains in a result that is otherwise exact.
inline constexpr double kLeastFloor = 6e-8;

}  // namespace sonde::compare
