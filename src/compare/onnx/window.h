// Kernel, stride, padding and dilation of convolutions and pools.
#pragma once

#include <ATen/core/Tensor.h>

#include "compare/onnx/call.h"

namespace sonde::compare::onnx {

struct Window {
  Sizes kernel;
  Sizes stride;
  Sizes dilation;
  Sizes before;  // padding of each spatial dimension
  Sizes after;

  [[nodiscard]] bool symmetric() const { return before == after; }
  [[nodiscard]] std::size_t dimensions() const { return kernel.size(); }
};

// auto_pad resolved for an input with these spatial sizes. `kernel` if the attribute kernel_shape is not given.
[[nodiscard]] Window window_of(const Call& call, at::IntArrayRef spatial, Sizes kernel = {});

// Padded as the window says, with `value`; for windows that ATen's own padding cannot express.
[[nodiscard]] at::Tensor padded(const at::Tensor& x, const Window& window, double value);

}  // namespace sonde::compare::onnx
