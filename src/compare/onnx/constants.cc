// Tensors that come of no other tensor's elements.
#include <ATen/ATen.h>

#include "compare/onnx/operators.h"
#include "compare/tensors.h"
#include "formats/onnx_tensor.h"

namespace sonde::compare::onnx {
namespace {

// Made once, when the model is loaded.
Tensors prepare_constant(const Call& call) {
  if (call.given("value")) return {call.tensor("value")};
  if (call.given("value_float")) return {at::scalar_tensor(call.real("value_float", 0), at::kFloat)};
  if (call.given("value_int")) return {at::scalar_tensor(call.integer("value_int"), at::kLong)};
  if (call.given("value_floats")) return {at::tensor(call.reals("value_floats"), at::kDouble).to(at::kFloat)};
  if (call.given("value_ints")) return {at::tensor(call.integers("value_ints", Sizes{}), at::kLong)};
  call.fail("a constant without numbers");
}

Tensors constant(const Call& call) { return call.prepared(); }

Tensors constant_of_shape(const Call& call) {
  const Sizes shape = integers_of(call.in(0));
  if (!call.given("value")) return {at::zeros(shape, at::kFloat)};
  const at::Tensor value = call.tensor("value").reshape({});
  return {value.expand(shape).contiguous()};
}

Tensors range(const Call& call) {
  const at::Tensor& first = call.in(0);
  if (first.is_floating_point()) {
    const double begin = reals_of(first).at(0);
    const double end = reals_of(call.in(1)).at(0);
    const double step = reals_of(call.in(2)).at(0);
    return {at::arange(begin, end, step, first.options())};
  }
  const std::int64_t begin = integers_of(first).at(0);
  const std::int64_t end = integers_of(call.in(1)).at(0);
  const std::int64_t step = integers_of(call.in(2)).at(0);
  if (step == 0) call.fail("a step of 0");
  if ((end > begin) != (step > 0)) return {at::empty({0}, first.options())};
  return {at::arange(begin, end, step, first.options())};
}

Tensors eye_like(const Call& call) {
  const at::Tensor& x = call.in(0);
  at::ScalarType type = x.scalar_type();
  if (call.given("dtype")) {
    const auto dtype = formats::onnx::dtype_numbered(static_cast<std::int32_t>(call.integer("dtype")));
    if (!dtype) call.fail("elements of ONNX's type " + std::to_string(call.integer("dtype")));
    type = scalar_type_of(*dtype);
  }
  const at::Tensor rows = at::arange(x.size(0), at::kLong).unsqueeze(1);
  const at::Tensor columns = at::arange(x.size(1), at::kLong).unsqueeze(0);
  return {at::eq(at::sub(columns, rows), at::scalar_tensor(call.integer("k", 0), at::kLong)).to(type)};
}

constexpr Operator kOperators[] = {
    {"Constant", constant, prepare_constant},
    {"ConstantOfShape", constant_of_shape},
    {"EyeLike", eye_like},
    {"Range", range},
};

}  // namespace

std::span<const Operator> constants() { return kOperators; }

}  // namespace sonde::compare::onnx
