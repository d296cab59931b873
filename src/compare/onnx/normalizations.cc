#include <cmath>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

// momentum is 1 - m in LibTorch; 0.9 and 0.1 are meant exactly.
double momentum_of(const Call& call) { return std::round((1 - call.real("momentum", 0.9)) * 1e9) / 1e9; }

Tensors batch_normalization(const Call& call) {
  const double eps = call.real("epsilon", 1e-5);
  if (!call.flag("training_mode")) {
    return {at::batch_norm(call.in(0), call.in(1), call.in(2), call.in(3), call.in(4), false, momentum_of(call), eps,
                           true)};
  }
  // Running statistics are outputs, and of the biased variance; ATen's are of the unbiased one.
  const at::Tensor& x = call.in(0);
  const at::Tensor y = at::batch_norm(x, call.in(1), call.in(2), {}, {}, true, 0, eps, true);
  Sizes axes = {0};
  for (std::int64_t d = 2; d < x.dim(); ++d) axes.push_back(d);
  const double keep = call.real("momentum", 0.9);
  const at::Tensor mean = at::add(at::mul(call.in(3), keep), at::mean(x, axes), 1 - keep);
  const at::Tensor variance = at::add(at::mul(call.in(4), keep), at::var(x, axes, false), 1 - keep);
  return {y, mean, variance};
}

Tensors layer_normalization(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", -1), x.dim());
  const Sizes shape = x.sizes().slice(static_cast<std::size_t>(axis)).vec();
  const double eps = call.real("epsilon", 1e-5);
  if (!call.wants(1) && !call.wants(2))
    return {
        at::layer_norm(x, shape, call.in(1).expand(shape), call.has(2) ? call.in(2).expand(shape) : at::Tensor(), eps)};
  const auto [y, mean, inverse] =
      at::native_layer_norm(x, shape, call.in(1).expand(shape).contiguous(),
                            call.has(2) ? call.in(2).expand(shape).contiguous() : at::Tensor(), eps);
  return {y, mean, inverse};
}

Tensors instance_normalization(const Call& call) {
  return {at::instance_norm(call.in(0), call.in(1), call.in(2), {}, {}, true, 0.1, call.real("epsilon", 1e-5), true)};
}

// Scale and bias are of a group before operator set 21, then of a channel.
Tensors group_normalization(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t groups = call.integer("num_groups");
  if (x.dim() < 2 || groups < 1 || x.size(1) % groups != 0)
    call.fail(std::to_string(groups) + " groups of channels that they do not divide");
  const auto of_channels = [&](const at::Tensor& scale) {
    return scale.numel() == x.size(1) ? scale : scale.repeat_interleave(x.size(1) / groups);
  };
  return {
      at::group_norm(x, groups, of_channels(call.in(1)), of_channels(call.in(2)), call.real("epsilon", 1e-5), true)};
}

Tensors rms_normalization(const Call& call) {
  const at::Tensor& x = call.in(0);
  Sizes axes;
  for (std::int64_t d = call.axis(call.integer("axis", -1), x.dim()); d < x.dim(); ++d) axes.push_back(d);
  const at::Tensor squares = at::mean(at::pow(x, 2), axes, true);
  return {at::mul(at::mul(x, at::rsqrt(at::add(squares, call.real("epsilon", 1e-5)))), call.in(1))};
}

Tensors mean_variance_normalization(const Call& call) {
  const at::Tensor& x = call.in(0);
  const Sizes axes = call.axes(call.integers("axes", Sizes{0, 2, 3}), x.dim());
  const at::Tensor centred = at::sub(x, at::mean(x, axes, true));
  return {at::div(centred, at::add(at::sqrt(at::mean(at::mul(centred, centred), axes, true)), 1e-9))};
}

Tensors lp_normalization(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", -1), x.dim());
  const at::Tensor norm = at::norm(x, static_cast<double>(call.integer("p", 2)), Sizes{axis}, true);
  return {at::where(norm.eq(0), at::zeros_like(x), at::div(x, norm))};
}

// Over channels i - (size - 1) / 2 to i + size / 2. ATen's has no function for it; LibTorch's module takes an average pool.
Tensors local_response_normalization(const Call& call) {
  const at::Tensor& x = call.in(0);
  const std::int64_t size = call.integer("size");
  const at::Tensor squares = at::mul(x, x).reshape({x.size(0), 1, x.size(1), -1});
  const at::Tensor around = at::constant_pad_nd(squares, {0, 0, (size - 1) / 2, size / 2});
  const at::Tensor mean = at::avg_pool2d(around, {size, 1}, Sizes{1, 1}).reshape(x.sizes());
  const at::Tensor base = at::add(at::mul(mean, call.real("alpha", 1e-4)), call.real("bias", 1.0));
  return {at::div(x, at::pow(base, call.real("beta", 0.75)))};
}

Tensors dropout(const Call& call) {
  if (call.has(2) && integers_of(call.in(2)).at(0) != 0 && (!call.has(1) || reals_of(call.in(1)).at(0) > 0))
    call.fail("dropout in training mode, wanted a model for inference");
  return {call.in(0), call.wants(1) ? at::ones_like(call.in(0), at::TensorOptions(at::kBool)) : at::Tensor()};
}

constexpr Operator kOperators[] = {
    {"BatchNormalization", batch_normalization}, {"Dropout", dropout},
    {"GroupNormalization", group_normalization}, {"InstanceNormalization", instance_normalization},
    {"LRN", local_response_normalization},       {"LayerNormalization", layer_normalization},
    {"LpNormalization", lp_normalization},       {"MeanVarianceNormalization", mean_variance_normalization},
    {"RMSNormalization", rms_normalization},
};

}  // namespace

std::span<const Operator> normalizations() { return kOperators; }

}  // namespace sonde::compare::onnx
