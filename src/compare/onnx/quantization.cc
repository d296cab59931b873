// Integers and the reals that they stand for: x = scale (q - zero point), per tensor, per axis or in blocks of an axis.
#include <limits>
#include <utility>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/tensors.h"
#include "formats/onnx_tensor.h"

namespace sonde::compare::onnx {
namespace {

// Scale or zero point in a shape that goes with x.
at::Tensor along(const Call& call, const at::Tensor& x, const at::Tensor& values) {
  if (values.numel() == 1) return values.reshape({});
  const std::int64_t axis = call.axis(call.integer("axis", 1), x.dim());
  const std::int64_t block = call.integer("block_size", 0);
  if (values.dim() == x.dim() && block > 0) return values.repeat_interleave(block, axis).narrow(axis, 0, x.size(axis));
  Sizes shape(static_cast<std::size_t>(x.dim()), 1);
  shape[static_cast<std::size_t>(axis)] = -1;
  return values.reshape(shape);
}

std::pair<double, double> range_of(const Call& call, at::ScalarType type) {
  switch (type) {
    case at::kByte:
      return {0, 255};
    case at::kChar:
      return {-128, 127};
    case at::kShort:
      return {-32768, 32767};
    case at::kInt:
      return {0, 65535};  // uint16, widened
    default:
      call.fail(std::string("integers of type ") + c10::toString(type));
  }
}

at::Tensor quantized(const Call& call, const at::Tensor& x, const at::Tensor& scale, const at::Tensor& zero,
                     at::ScalarType type) {
  const auto [least, most] = range_of(call, type);
  at::Tensor q = at::round(at::div(x.to(at::kFloat), scale.to(at::kFloat)));
  if (zero.defined()) q = at::add(q, zero.to(at::kFloat));
  return at::clamp(q, least, most).to(type);
}

Tensors quantize(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor zero = call.has(2) ? along(call, x, call.in(2)) : at::Tensor();
  at::ScalarType type = zero.defined() ? zero.scalar_type() : at::kByte;
  if (!zero.defined() && call.integer("output_dtype", 0) != 0) {
    const auto dtype = formats::onnx::dtype_numbered(static_cast<std::int32_t>(call.integer("output_dtype")));
    if (!dtype) call.fail("integers of ONNX's type " + std::to_string(call.integer("output_dtype")));
    type = scalar_type_of(*dtype);
  }
  return {quantized(call, x, along(call, x, call.in(1)), zero, type)};
}

at::Tensor dequantized(const at::Tensor& q, const at::Tensor& scale, const at::Tensor& zero) {
  at::Tensor x = q.to(scale.scalar_type());
  if (zero.defined()) x = at::sub(x, zero.to(scale.scalar_type()));
  return at::mul(x, scale);
}

Tensors dequantize(const Call& call) {
  const at::Tensor& q = call.in(0);
  return {dequantized(q, along(call, q, call.in(1)), call.has(2) ? along(call, q, call.in(2)) : at::Tensor())};
}

// To uint8, by the range of x with 0 in it.
Tensors quantize_dynamically(const Call& call) {
  const at::Tensor& x = call.in(0);
  const at::Tensor least = at::clamp_max(at::min(x), 0);
  const at::Tensor most = at::clamp_min(at::max(x), 0);
  const at::Tensor scale = at::div(at::sub(most, least), 255.0);
  const at::Tensor zero = at::clamp(at::round(at::div(at::neg(least), scale)), 0, 255).to(at::kByte);
  return {quantized(call, x, scale, zero, at::kByte), scale, zero};
}

Tensors quantized_product(const Call& call) {
  const auto rows = [](const at::Tensor& values) {
    return values.numel() == 1 ? values.reshape({}) : values.unsqueeze(-1);
  };
  const auto columns = [](const at::Tensor& values) {
    return values.numel() == 1 ? values.reshape({}) : values.unsqueeze(-2);
  };
  const at::Tensor a = dequantized(call.in(0), rows(call.in(1)).to(at::kDouble), rows(call.in(2)));
  const at::Tensor b = dequantized(call.in(3), columns(call.in(4)).to(at::kDouble), columns(call.in(5)));
  return {quantized(call, at::matmul(a, b), call.in(6), call.in(7), call.in(7).scalar_type())};
}

constexpr Operator kOperators[] = {
    {"DequantizeLinear", dequantize},
    {"DynamicQuantizeLinear", quantize_dynamically},
    {"QLinearMatMul", quantized_product},
    {"QuantizeLinear", quantize},
};

}  // namespace

std::span<const Operator> quantization() { return kOperators; }

}  // namespace sonde::compare::onnx
