#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/onnx/window.h"

namespace sonde::compare::onnx {
namespace {

at::Tensor convolve(const Call& call, at::Tensor x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.dim() < 3 || weight.dim() != x.dim())
    call.fail("a convolution of tensors with " + std::to_string(x.dim()) + " and " + std::to_string(weight.dim()) +
              " dimensions");
  Window window = window_of(call, x.sizes().slice(2), weight.sizes().slice(2).vec());
  if (!window.symmetric()) {
    x = padded(x, window, 0);
    window.before.assign(window.before.size(), 0);
  }
  const std::int64_t groups = call.integer("group", 1);
  switch (window.dimensions()) {
    case 1:
      return at::conv1d(x, weight, bias, window.stride, window.before, window.dilation, groups);
    case 2:
      return at::conv2d(x, weight, bias, window.stride, window.before, window.dilation, groups);
    case 3:
      return at::conv3d(x, weight, bias, window.stride, window.before, window.dilation, groups);
    default:
      call.fail("a convolution of " + std::to_string(window.dimensions()) + " spatial dimensions, wanted 1 to 3");
  }
}

Tensors convolution(const Call& call) { return {convolve(call, call.in(0), call.in(1), call.optional(2))}; }

at::Tensor less_zero_point(const at::Tensor& x, const at::Tensor& zero, std::int64_t axis) {
  const at::Tensor wide = x.to(at::kFloat);
  if (!zero.defined()) return wide;
  if (zero.numel() == 1) return at::sub(wide, zero.to(at::kFloat).reshape({}));
  Sizes shape(static_cast<std::size_t>(x.dim()), 1);
  shape[static_cast<std::size_t>(axis)] = -1;
  return at::sub(wide, zero.to(at::kFloat).reshape(shape));
}

// Sums of products of 8-bit integers are exact in float32 up to 256 of them; double has room for all.
Tensors convolution_of_integers(const Call& call) {
  const at::Tensor x = less_zero_point(call.in(0), call.optional(2), 0).to(at::kDouble);
  const at::Tensor weight = less_zero_point(call.in(1), call.optional(3), 0).to(at::kDouble);
  return {convolve(call, x, weight, {}).to(at::kInt)};
}

// What ONNX cuts off at the begin and end, ATen cuts off on both sides and adds at the end.
struct Cut {
  Sizes padding;
  Sizes added;
  bool possible = true;
};

Cut cut_of(const Window& window, const Sizes& output_padding) {
  Cut cut{window.before, output_padding};
  for (std::size_t d = 0; d < window.dimensions(); ++d) {
    cut.added[d] += window.before[d] - window.after[d];
    cut.possible = cut.possible && cut.padding[d] >= 0 && cut.added[d] >= 0 &&
                   cut.added[d] < std::max(window.stride[d], window.dilation[d]);
  }
  return cut;
}

void resolve_output_shape(const Call& call, at::IntArrayRef spatial, Window& window, const Sizes& output_padding) {
  const std::string how = call.text("auto_pad", "NOTSET");
  const auto shape = call.integers("output_shape");
  if (!shape && (how == "NOTSET" || how.empty() || how == "VALID")) return;
  for (std::size_t d = 0; d < window.dimensions(); ++d) {
    const std::int64_t wanted =
        shape ? shape->at(shape->size() - window.dimensions() + d) : spatial[d] * window.stride[d];
    const std::int64_t total = window.stride[d] * (spatial[d] - 1) + output_padding[d] +
                               (window.kernel[d] - 1) * window.dilation[d] + 1 - wanted;
    window.before[d] = total < 0 ? 0 : how == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.after[d] = total - window.before[d];
  }
}

Tensors transposed_convolution(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor& weight = call.in(1);
  if (x.dim() < 3 || weight.dim() != x.dim())
    call.fail("a convolution of tensors with " + std::to_string(x.dim()) + " and " + std::to_string(weight.dim()) +
              " dimensions");
  Window window = window_of(call, x.sizes().slice(2), weight.sizes().slice(2).vec());
  const Sizes output_padding = call.integers("output_padding", Sizes(window.dimensions(), 0));
  resolve_output_shape(call, x.sizes().slice(2), window, output_padding);
  const std::int64_t groups = call.integer("group", 1);
  const auto run = [&](const Sizes& padding, const Sizes& added) {
    switch (window.dimensions()) {
      case 1:
        return at::conv_transpose1d(x, weight, call.optional(2), window.stride, padding, added, groups,
                                    window.dilation);
      case 2:
        return at::conv_transpose2d(x, weight, call.optional(2), window.stride, padding, added, groups,
                                    window.dilation);
      case 3:
        return at::conv_transpose3d(x, weight, call.optional(2), window.stride, padding, added, groups,
                                    window.dilation);
      default:
        call.fail("a convolution of " + std::to_string(window.dimensions()) + " spatial dimensions, wanted 1 to 3");
    }
  };
  const Cut cut = cut_of(window, output_padding);
  if (cut.possible) return {run(cut.padding, cut.added)};
  at::Tensor y = run(Sizes(window.dimensions(), 0), Sizes(window.dimensions(), 0));
  for (std::size_t d = 0; d < window.dimensions(); ++d) {
    window.before[d] = -window.before[d];
    window.after[d] = output_padding[d] - window.after[d];
  }
  if (!call.has(2)) return {padded(y, window, 0)};
  call.fail("padding that differs by " + std::to_string(cut.added[0]) + " on the two sides, with a bias");
}

constexpr Operator kOperators[] = {
    {"Conv", convolution},
    {"ConvInteger", convolution_of_integers},
    {"ConvTranspose", transposed_convolution},
};

}  // namespace

std::span<const Operator> convolutions() { return kOperators; }

}  // namespace sonde::compare::onnx
