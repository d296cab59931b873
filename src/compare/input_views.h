// The ways in which one image is laid out as another.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <sonde/comparison.h>

namespace sonde::compare {

struct InputView {
  Cause cause = Cause::input_differs;  // input_scale for the plain one: what differs then is a scale
  std::string message;                 // "channels are in reverse order (BGR against RGB)"; empty for the plain one
  std::string repair;
  std::function<at::Tensor(const at::Tensor&)> apply;  // the target as the reference would have it
};

// All that give a tensor of the reference's sizes, the likely ones first: as it is, channels reversed, dimensions in
// another order, memory read in another layout, both together with reversed channels, mirrored.
[[nodiscard]] std::vector<InputView> input_views(at::IntArrayRef reference, at::IntArrayRef target);

}  // namespace sonde::compare
