#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

// A weight (in, out) behind rows of features is what a linear layer has transposed; with the bias that the sum behind it adds.
Tensors product(const Call& call) {
  const at::Tensor& a = call.in(0);
  if (call.prepared().empty() || (a.dim() < 2 && call.prepared().size() == 1)) return {at::matmul(a, call.in(1))};
  return {at::linear(a, call.prepared()[0], call.prepared().size() == 2 ? call.prepared()[1] : at::Tensor())};
}

Tensors linear_weight(const Call& call) {
  if (!call.has(1) || call.in(1).dim() != 2 || !call.in(1).is_floating_point()) return {};
  return {call.in(1).t()};
}

std::vector<std::string> linear_weight_name(const Call& call) { return {call.input_name(1)}; }

Tensors general_product(const Call& call) {
  at::Tensor a = call.in(0);
  const at::Tensor& b = call.in(1);
  const double alpha = call.real("alpha", 1.0);
  const double beta = call.real("beta", 1.0);
  if (call.flag("transA")) a = a.t();
  const bool transposed = call.flag("transB");
  const at::Tensor c = call.optional(2);
  const bool a_layer =
      alpha == 1 && beta == 1 && (!c.defined() || (c.dim() == 1 && c.size(0) == b.size(transposed ? 0 : 1)));
  if (a_layer && a.is_floating_point()) return {at::linear(a, transposed ? b : b.t(), c)};
  const at::Tensor right = transposed ? b.t() : b;
  if (!c.defined()) return {alpha == 1 ? at::mm(a, right) : at::mul(at::mm(a, right), alpha)};
  if (a.is_floating_point()) return {at::addmm(c, a, right, beta, alpha)};
  return {at::add(at::mul(c, beta), at::mul(at::mm(a, right), alpha)).to(a.scalar_type())};
}

Tensors einsum(const Call& call) { return {at::einsum(call.text("equation", ""), call.inputs())}; }

at::Tensor less_zero_point(const at::Tensor& x, const at::Tensor& zero, bool rows) {
  const at::Tensor wide = x.to(at::kLong);
  if (!zero.defined()) return wide;
  const at::Tensor offset = zero.to(at::kLong);
  return at::sub(wide, rows && offset.dim() == 1 && offset.numel() > 1 ? offset.unsqueeze(-1) : offset);
}

Tensors product_of_integers(const Call& call) {
  const at::Tensor a = less_zero_point(call.in(0), call.optional(2), true);
  const at::Tensor b = less_zero_point(call.in(1), call.optional(3), false);
  return {at::matmul(a, b).to(at::kInt)};
}

constexpr Operator kOperators[] = {
    {"Einsum", einsum},
    {"Gemm", general_product},
    {"MatMul", product, linear_weight, linear_weight_name},
    {"MatMulInteger", product_of_integers},
};

}  // namespace

std::span<const Operator> matrix_products() { return kOperators; }

}  // namespace sonde::compare::onnx
