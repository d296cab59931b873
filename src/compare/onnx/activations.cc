// Activations, and softmax with its defaults by operator set.
#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

template <at::Tensor (*F)(const at::Tensor&)>
Tensors unary(const Call& call) {
  return {F(call.in(0))};
}

Tensors leaky_relu(const Call& call) { return {at::leaky_relu(call.in(0), call.real("alpha", 0.01))}; }

// ONNX's slope is broadcast from the last dimension, ATen's prelu takes one a channel.
Tensors prelu(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor& slope = call.in(1);
  const std::int64_t channels = x.dim() > 1 ? x.size(1) : 1;
  const bool a_channel =
      slope.numel() == 1 || (slope.numel() == channels && slope.dim() == x.dim() - 1 && slope.size(0) == channels);
  if (a_channel && slope.scalar_type() == x.scalar_type()) return {at::prelu(x, slope.reshape({-1}))};
  return {at::where(x.ge(0), x, at::mul(x, slope))};
}

Tensors elu(const Call& call) { return {at::elu(call.in(0), call.real("alpha", 1.0))}; }
Tensors celu(const Call& call) { return {at::celu(call.in(0), call.real("alpha", 1.0))}; }

Tensors selu(const Call& call) {
  constexpr double kAlpha = 1.67326319217681884765625;
  constexpr double kGamma = 1.05070102214813232421875;
  const double alpha = call.real("alpha", kAlpha);
  const double gamma = call.real("gamma", kGamma);
  if (std::abs(alpha - kAlpha) < 1e-6 && std::abs(gamma - kGamma) < 1e-6) return {at::selu(call.in(0))};
  return {at::elu(call.in(0), alpha, gamma)};
}

Tensors gelu(const Call& call) { return {at::gelu(call.in(0), call.text("approximate", "none"))}; }

// ATen's hardsigmoid has the slope 1/6; ONNX's default is 0.2.
at::Tensor hard_sigmoid_of(const at::Tensor& x, double alpha, double beta) {
  if (static_cast<float>(alpha) == static_cast<float>(1.0 / 6) && beta == 0.5) return at::hardsigmoid(x);
  return at::clamp(at::add(at::mul(x, alpha), beta), 0, 1);
}

Tensors hard_sigmoid(const Call& call) {
  return {hard_sigmoid_of(call.in(0), call.real("alpha", 0.2), call.real("beta", 0.5))};
}

Tensors softplus(const Call& call) { return {at::softplus(call.in(0))}; }
Tensors softsign(const Call& call) { return {at::div(call.in(0), at::add(at::abs(call.in(0)), 1))}; }
Tensors thresholded_relu(const Call& call) { return {at::threshold(call.in(0), call.real("alpha", 1.0), 0)}; }

Tensors swish(const Call& call) {
  const double alpha = call.real("alpha", 1.0);
  if (alpha == 1) return {at::silu(call.in(0))};
  return {at::mul(call.in(0), at::sigmoid(at::mul(call.in(0), alpha)))};
}

Tensors shrink(const Call& call) {
  const double bias = call.real("bias", 0);
  const double lambda = call.real("lambd", 0.5);
  const at::Tensor& x = call.in(0);
  const at::Tensor zero = at::zeros_like(x);
  return {at::where(x.lt(-lambda), at::add(x, bias), at::where(x.gt(lambda), at::sub(x, bias), zero))};
}

at::Tensor hardmax(const at::Tensor& x, std::int64_t axis) {
  return at::zeros_like(x).scatter(axis, x.argmax(axis, true), 1);
}
at::Tensor softmax(const at::Tensor& x, std::int64_t axis) { return at::softmax(x, axis); }
at::Tensor log_softmax(const at::Tensor& x, std::int64_t axis) { return at::log_softmax(x, axis); }

// Until operator set 12 over all dimensions from `axis` (default 1) on, flattened; then over the one (default the last).
template <at::Tensor (*F)(const at::Tensor&, std::int64_t)>
Tensors over_axis(const Call& call) {
  const at::Tensor& x = call.in(0);
  if (call.opset() >= 13) return {F(x, call.axis(call.integer("axis", -1), x.dim()))};
  const std::int64_t given = call.integer("axis", 1);
  const std::int64_t axis = given == x.dim() ? given : call.axis(given, x.dim());
  if (axis == x.dim() - 1) return {F(x, axis)};
  std::int64_t rows = 1;
  for (std::int64_t d = 0; d < axis; ++d) rows *= x.size(d);
  return {F(x.reshape({rows, rows > 0 ? x.numel() / rows : 0}), 1).reshape(x.sizes())};
}

constexpr Operator kOperators[] = {
    {"Celu", celu},
    {"Elu", elu},
    {"Gelu", gelu},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", unary<at::hardswish>},
    {"Hardmax", over_axis<hardmax>},
    {"LeakyRelu", leaky_relu},
    {"LogSoftmax", over_axis<log_softmax>},
    {"Mish", unary<at::mish>},
    {"PRelu", prelu},
    {"Relu", unary<at::relu>},
    {"Selu", selu},
    {"Shrink", shrink},
    {"Sigmoid", unary<at::sigmoid>},
    {"Softmax", over_axis<softmax>},
    {"Softplus", softplus},
    {"Softsign", softsign},
    {"Swish", swish},
    {"ThresholdedRelu", thresholded_relu},
};

}  // namespace

std::span<const Operator> activations() { return kOperators; }

}  // namespace sonde::compare::onnx
