// Whether one tensor is another times a factor, plus an offset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace sonde::compare {

// x' = factor x + offset: the target's elements from the reference's.
struct Affine {
  double factor = 1;
  double offset = 0;
  bool whole_numbers = false;  // and then rounded to whole numbers, in the one tensor or the other

  [[nodiscard]] bool is_identity(double epsilon) const;
};

[[nodiscard]] std::string to_string(const Affine& map);   // "x' = 0.229 x + 0.485"
[[nodiscard]] std::string inverse_of(const Affine& map);  // "x = (x' - 0.485) / 0.229"

// The map, if every element fits it within the rounding of precision `epsilon` (or of whole numbers, where one of the two
// holds them over a range of 32 at least). Nothing for constant tensors. Both of one shape, finite.
[[nodiscard]] std::optional<Affine> fit_affine(const at::Tensor& reference, const at::Tensor& target, double epsilon);

// The same for each slice of a dimension; constant slices fit if only an offset is needed, but one must not be constant.
[[nodiscard]] std::optional<std::vector<Affine>> fit_affine_slices(const at::Tensor& reference,
                                                                   const at::Tensor& target, std::int64_t dimension,
                                                                   double epsilon);

}  // namespace sonde::compare
