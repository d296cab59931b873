#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/onnx/window.h"

namespace sonde::compare::onnx {
namespace {

Window window_for(const Call& call) {
  const at::Tensor& x = call.in(0);
  if (x.dim() < 3 || x.dim() > 5)
    call.fail("a pool of a tensor with " + std::to_string(x.dim()) + " dimensions, wanted 3 to 5");
  return window_of(call, x.sizes().slice(2));
}

// ATen pads at most half of a kernel, and both sides alike.
bool padding_is_atens(const Window& window) {
  for (std::size_t d = 0; d < window.dimensions(); ++d)
    if (window.before[d] * 2 > window.kernel[d] || window.before[d] < 0) return false;
  return window.symmetric();
}

Tensors max_pool(const Call& call) {
  at::Tensor x = call.in(0);
  Window window = window_for(call);
  const bool ceil = call.flag("ceil_mode");
  if (!padding_is_atens(window)) {
    if (call.wants(1)) call.fail("indices of a pool with padding that differs on the two sides");
    const bool real = x.is_floating_point();
    x = padded(x, window, real ? -std::numeric_limits<double>::infinity() : x.scalar_type() == at::kByte ? 0 : -128);
    window.before.assign(window.before.size(), 0);
  }
  const bool whole = !x.is_floating_point();
  if (whole) x = x.to(at::kFloat);  // ATen's have no integers
  if (call.wants(1)) {
    const auto with_indices = window.dimensions() == 1   ? at::max_pool1d_with_indices
                              : window.dimensions() == 2 ? at::max_pool2d_with_indices
                                                         : at::max_pool3d_with_indices;
    const auto [y, indices] = with_indices(x, window.kernel, window.stride, window.before, window.dilation, ceil);
    if (call.flag("storage_order")) call.fail("indices in column-major order");
    // ATen counts within a plane, ONNX over the whole tensor.
    const std::int64_t planes = x.size(0) * x.size(1);
    Sizes shape(static_cast<std::size_t>(x.dim()), 1);
    shape[0] = x.size(0);
    shape[1] = x.size(1);
    const std::int64_t plane = planes > 0 ? x.numel() / planes : 0;
    return {y.to(call.in(0).scalar_type()), at::add(indices, at::arange(planes, at::kLong).mul(plane).reshape(shape))};
  }
  const auto pool = window.dimensions() == 1   ? at::max_pool1d
                    : window.dimensions() == 2 ? at::max_pool2d
                                               : at::max_pool3d;
  return {pool(x, window.kernel, window.stride, window.before, window.dilation, ceil).to(call.in(0).scalar_type())};
}

at::Tensor average(const at::Tensor& x, const Window& window, const Sizes& padding, bool ceil, bool count_padding) {
  switch (window.dimensions()) {
    case 1:
      return at::avg_pool1d(x, window.kernel, window.stride, padding, ceil, count_padding);
    case 2:
      return at::avg_pool2d(x, window.kernel, window.stride, padding, ceil, count_padding);
    default:
      return at::avg_pool3d(x, window.kernel, window.stride, padding, ceil, count_padding);
  }
}

// By a convolution with ones over each plane, for windows with holes.
at::Tensor dilated_sum(const at::Tensor& x, const Window& window) {
  Sizes kernel = {x.size(1), 1};
  kernel.insert(kernel.end(), window.kernel.begin(), window.kernel.end());
  const at::Tensor ones = at::ones(kernel, x.options());
  const Sizes none(window.dimensions(), 0);
  switch (window.dimensions()) {
    case 1:
      return at::conv1d(x, ones, {}, window.stride, none, window.dilation, x.size(1));
    case 2:
      return at::conv2d(x, ones, {}, window.stride, none, window.dilation, x.size(1));
    default:
      return at::conv3d(x, ones, {}, window.stride, none, window.dilation, x.size(1));
  }
}

// The padding at the end that windows of ceil_mode reach into. A window that begins there is left out.
void reach_end(Window& window, at::IntArrayRef spatial) {
  for (std::size_t d = 0; d < window.dimensions(); ++d) {
    const std::int64_t reach = (window.kernel[d] - 1) * window.dilation[d] + 1;
    const std::int64_t length = spatial[d] + window.before[d] + window.after[d];
    std::int64_t steps = std::max<std::int64_t>(length - reach + window.stride[d] - 1, 0) / window.stride[d];
    if (steps * window.stride[d] >= spatial[d] + window.before[d]) --steps;
    window.after[d] += std::max<std::int64_t>(steps * window.stride[d] + reach - length, 0);
  }
}

Tensors average_pool(const Call& call) {
  const at::Tensor& x = call.in(0);
  Window window = window_for(call);
  const bool ceil = call.flag("ceil_mode");
  const bool count_padding = call.flag("count_include_pad");
  const bool holes = std::ranges::any_of(window.dilation, [](std::int64_t d) { return d != 1; });
  if (padding_is_atens(window) && !holes) return {average(x, window, window.before, ceil, count_padding)};
  // Sums over what is there, and how many there are.
  at::Tensor inside = at::ones_like(x);
  if (count_padding) inside = padded(inside, window, 1);
  Window end = window;
  if (ceil) reach_end(end, x.sizes().slice(2));
  at::Tensor sums = padded(x, end, 0);
  Window rest = end;
  if (count_padding) {
    rest.before.assign(window.dimensions(), 0);
    for (std::size_t d = 0; d < window.dimensions(); ++d) rest.after[d] = end.after[d] - window.after[d];
  }
  inside = padded(inside, rest, 0);
  return {at::div(dilated_sum(sums, window), dilated_sum(inside, window))};
}

Tensors lp_pool(const Call& call) {
  const double p = static_cast<double>(call.integer("p", 2));
  Window window = window_for(call);
  if (call.flag("ceil_mode")) reach_end(window, call.in(0).sizes().slice(2));
  const at::Tensor powers = padded(at::pow(at::abs(call.in(0)), p), window, 0);
  return {at::pow(dilated_sum(powers, window), 1 / p)};
}

Tensors global_average_pool(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Sizes one(static_cast<std::size_t>(std::max<std::int64_t>(x.dim() - 2, 0)), 1);
  switch (x.dim()) {
    case 3:
      return {at::adaptive_avg_pool1d(x, one)};
    case 4:
      return {at::adaptive_avg_pool2d(x, one)};
    case 5:
      return {at::adaptive_avg_pool3d(x, one)};
    default:
      call.fail("a pool of a tensor with " + std::to_string(x.dim()) + " dimensions, wanted 3 to 5");
  }
}

Sizes spatial_axes(const at::Tensor& x) {
  Sizes axes;
  for (std::int64_t d = 2; d < x.dim(); ++d) axes.push_back(d);
  return axes;
}

Tensors global_max_pool(const Call& call) { return {at::amax(call.in(0), spatial_axes(call.in(0)), true)}; }

Tensors global_lp_pool(const Call& call) {
  const double p = static_cast<double>(call.integer("p", 2));
  return {at::pow(at::sum(at::pow(at::abs(call.in(0)), p), spatial_axes(call.in(0)), true), 1 / p)};
}

constexpr Operator kOperators[] = {
    {"AveragePool", average_pool},
    {"GlobalAveragePool", global_average_pool},
    {"GlobalLpPool", global_lp_pool},
    {"GlobalMaxPool", global_max_pool},
    {"LpPool", lp_pool},
    {"MaxPool", max_pool},
};

}  // namespace

std::span<const Operator> pooling() { return kOperators; }

}  // namespace sonde::compare::onnx
