// Interpolation along one dimension as a matrix.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace sonde::compare::onnx {

struct ResizeRule {
  std::string mode;         // nearest, linear, cubic
  std::string coordinates;  // coordinate_transformation_mode
  std::string nearest;      // nearest_mode
  double cubic_a = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double begin = 0;  // of the region of tf_crop_and_resize, in parts of the size
  double end = 1;
};

// (size, from), float64: an element of the result as a sum of the elements there were.
[[nodiscard]] at::Tensor resize_weights(std::int64_t from, std::int64_t size, double scale, const ResizeRule& rule);

// (size), bool: whether an element of the result comes from within the tensor.
[[nodiscard]] at::Tensor resize_inside(std::int64_t from, std::int64_t size, double scale, const ResizeRule& rule);

}  // namespace sonde::compare::onnx
