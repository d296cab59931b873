// Element by element: arithmetic, comparison, logic, casts.
#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/tensors.h"
#include "formats/onnx_tensor.h"

namespace sonde::compare::onnx {
namespace {

template <at::Tensor (*F)(const at::Tensor&)>
Tensors unary(const Call& call) {
  return {F(call.in(0))};
}

template <at::Tensor (*F)(const at::Tensor&, const at::Tensor&)>
Tensors binary(const Call& call) {
  return {F(call.in(0), call.in(1))};
}

// Any number of inputs.
template <at::Tensor (*F)(const at::Tensor&, const at::Tensor&)>
Tensors fold(const Call& call) {
  at::Tensor result = call.in(0);
  for (std::size_t i = 1; i < call.inputs().size(); ++i) result = F(result, call.in(i));
  return {result};
}

at::Tensor plus(const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); }
at::Tensor minus(const at::Tensor& a, const at::Tensor& b) { return at::sub(a, b); }

Tensors divide(const Call& call) {
  const bool whole = c10::isIntegralType(call.in(0).scalar_type(), false);
  return {whole ? at::div(call.in(0), call.in(1), "trunc") : at::div(call.in(0), call.in(1))};
}

Tensors power(const Call& call) { return {at::pow(call.in(0), call.in(1)).to(call.in(0).scalar_type())}; }

Tensors modulo(const Call& call) {
  return {call.flag("fmod") ? at::fmod(call.in(0), call.in(1)) : at::remainder(call.in(0), call.in(1))};
}

Tensors mean(const Call& call) { return {at::div(fold<plus>(call)[0], static_cast<double>(call.inputs().size()))}; }

Tensors where(const Call& call) { return {at::where(call.in(0), call.in(1), call.in(2))}; }

Tensors is_infinite(const Call& call) {
  const bool negative = call.flag("detect_negative", true);
  const bool positive = call.flag("detect_positive", true);
  if (negative && positive) return {at::isinf(call.in(0))};
  if (negative) return {at::isneginf(call.in(0))};
  if (positive) return {at::isposinf(call.in(0))};
  return {at::zeros_like(call.in(0), at::TensorOptions(at::kBool))};
}

// Bounds are attributes before operator set 11. ATen's clamp takes the ones that are there.
Tensors clip(const Call& call) {
  const auto bound = [&](std::size_t input, const char* name) -> c10::optional<at::Scalar> {
    if (call.has(input)) {
      const at::Tensor& value = call.in(input);
      if (c10::isIntegralType(value.scalar_type(), false)) return at::Scalar(integers_of(value).at(0));
      return at::Scalar(reals_of(value).at(0));
    }
    if (call.given(name)) return at::Scalar(call.real(name, 0));
    return c10::nullopt;
  };
  const auto least = bound(1, "min");
  const auto most = bound(2, "max");
  if (!least && !most) return {call.in(0)};
  return {at::clamp(call.in(0), least, most)};
}

Tensors shift(const Call& call) {
  const bool left = call.text("direction", "") == "LEFT";
  const at::Tensor& x = call.in(0);
  return {(left ? at::bitwise_left_shift(x, call.in(1)) : at::bitwise_right_shift(x, call.in(1))).to(x.scalar_type())};
}

Tensors identity(const Call& call) { return {call.in(0)}; }

Tensors cast(const Call& call) {
  const auto dtype = formats::onnx::dtype_numbered(static_cast<std::int32_t>(call.integer("to")));
  if (!dtype)
    call.fail("a cast to ONNX's type " + std::to_string(call.integer("to")) + ", wanted numbers of a known type");
  return {call.in(0).to(scalar_type_of(*dtype))};
}

Tensors cast_like(const Call& call) { return {call.in(0).to(call.in(1).scalar_type())}; }

constexpr Operator kOperators[] = {
    {"Abs", unary<at::abs>},
    {"Acos", unary<at::acos>},
    {"Acosh", unary<at::acosh>},
    {"Add", binary<plus>},
    {"And", binary<at::logical_and>},
    {"Asin", unary<at::asin>},
    {"Asinh", unary<at::asinh>},
    {"Atan", unary<at::atan>},
    {"Atanh", unary<at::atanh>},
    {"BitShift", shift},
    {"BitwiseAnd", binary<at::bitwise_and>},
    {"BitwiseNot", unary<at::bitwise_not>},
    {"BitwiseOr", binary<at::bitwise_or>},
    {"BitwiseXor", binary<at::bitwise_xor>},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Ceil", unary<at::ceil>},
    {"Clip", clip},
    {"Cos", unary<at::cos>},
    {"Cosh", unary<at::cosh>},
    {"Div", divide},
    {"Equal", binary<at::eq>},
    {"Erf", unary<at::erf>},
    {"Exp", unary<at::exp>},
    {"Floor", unary<at::floor>},
    {"Greater", binary<at::gt>},
    {"GreaterOrEqual", binary<at::ge>},
    {"Identity", identity},
    {"IsInf", is_infinite},
    {"IsNaN", unary<at::isnan>},
    {"Less", binary<at::lt>},
    {"LessOrEqual", binary<at::le>},
    {"Log", unary<at::log>},
    {"Max", fold<at::maximum>},
    {"Mean", mean},
    {"Min", fold<at::minimum>},
    {"Mod", modulo},
    {"Mul", binary<at::mul>},
    {"Neg", unary<at::neg>},
    {"Not", unary<at::logical_not>},
    {"Or", binary<at::logical_or>},
    {"Pow", power},
    {"Reciprocal", unary<at::reciprocal>},
    {"Round", unary<at::round>},
    {"Sign", unary<at::sign>},
    {"Sin", unary<at::sin>},
    {"Sinh", unary<at::sinh>},
    {"Sqrt", unary<at::sqrt>},
    {"Sub", binary<minus>},
    {"Sum", fold<plus>},
    {"Tan", unary<at::tan>},
    {"Tanh", unary<at::tanh>},
    {"Where", where},
    {"Xor", binary<at::logical_xor>},
};

}  // namespace

std::span<const Operator> arithmetic() { return kOperators; }

}  // namespace sonde::compare::onnx
