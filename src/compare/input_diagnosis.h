// How the first tensor that a model works on differs from that of the reference.
#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>
#include <sonde/comparison.h>

namespace sonde::compare {

struct InputDifference {
  Cause cause = Cause::input_differs;
  std::string message;  // "channels are in reverse order (BGR)", "x' = 255 x", "channel 1: x' = 0.229 x + 0.485"
  std::vector<std::string> evidence;
  std::string repair;
};

// Nothing if they are equal within rounding of their precision. Tested: reversed channels (dimension 1 or last), NHWC
// against NCHW, height and width swapped, one affine map, one for each channel, and combinations of a flip or layout with
// an affine map; a shift by a pixel; residual of high frequency only (another resize filter) is evidence, not a cause.
[[nodiscard]] std::optional<InputDifference> diagnose_input(const at::Tensor& reference, const at::Tensor& target);

}  // namespace sonde::compare
