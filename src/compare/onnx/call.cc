#include "compare/onnx/call.h"

#include <algorithm>
#include <charconv>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <sonde/compare.h>

#include "compare/tensors.h"

namespace sonde::compare::onnx {
namespace {

double as_written(float number) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  double result = number;
  if (error == std::errc{}) std::from_chars(text, end, result);
  return result;
}

template <typename T>
std::vector<T> elements(const at::Tensor& tensor, at::ScalarType type) {
  const at::RecordFunctionGuard unseen(false);
  const at::Tensor values = tensor.to(at::kCPU, type).contiguous();
  const T* begin = values.data_ptr<T>();
  return {begin, begin + values.numel()};
}

}  // namespace

Sizes integers_of(const at::Tensor& tensor) { return elements<std::int64_t>(tensor, at::kLong); }

std::vector<double> reals_of(const at::Tensor& tensor) { return elements<double>(tensor, at::kDouble); }

const at::Tensor& Call::in(std::size_t input) const {
  if (!has(input)) fail("input " + std::to_string(input) + " is missing");
  return inputs_[input];
}

const formats::onnx::Attribute* Call::attribute(std::string_view name) const {
  const auto found = std::ranges::find(node_.attributes, name, &formats::onnx::Attribute::name);
  return found == node_.attributes.end() ? nullptr : &*found;
}

std::int64_t Call::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* found = attribute(name);
  return found ? found->integer : otherwise;
}

std::int64_t Call::integer(std::string_view name) const {
  if (!given(name)) fail("attribute " + std::string(name) + " is missing");
  return attribute(name)->integer;
}

double Call::real(std::string_view name, double otherwise) const {
  const auto* found = attribute(name);
  return found ? as_written(found->real) : otherwise;
}

std::string Call::text(std::string_view name, std::string_view otherwise) const {
  const auto* found = attribute(name);
  return found ? found->text : std::string(otherwise);
}

std::optional<Sizes> Call::integers(std::string_view name) const {
  const auto* found = attribute(name);
  if (!found) return std::nullopt;
  return found->integers;
}

Sizes Call::integers(std::string_view name, Sizes otherwise) const {
  return integers(name).value_or(std::move(otherwise));
}

std::vector<double> Call::reals(std::string_view name) const {
  std::vector<double> result;
  if (const auto* found = attribute(name)) std::ranges::transform(found->reals, std::back_inserter(result), as_written);
  return result;
}

std::vector<std::string> Call::texts(std::string_view name) const {
  const auto* found = attribute(name);
  return found ? found->texts : std::vector<std::string>();
}

at::Tensor Call::tensor(std::string_view name) const {
  const auto* found = attribute(name);
  if (!found || found->tensors.size() != 1) fail("attribute " + std::string(name) + " is missing");
  const at::RecordFunctionGuard unseen(false);
  return to_tensor(found->tensors.front());
}

std::optional<Sizes> Call::integers(std::string_view name, std::size_t input) const {
  if (has(input)) return integers_of(inputs_[input]);
  return integers(name);
}

Tensors Call::run_subgraph(std::string_view name, const Tensors& inputs) const {
  const auto* found = attribute(name);
  if (!found || found->graphs.size() != 1) fail("attribute " + std::string(name) + " is missing");
  return subgraphs_->run(found->graphs.front(), inputs);
}

std::int64_t Call::axis(std::int64_t axis, std::int64_t rank) const {
  if (axis < -rank || axis >= rank)
    fail("axis " + std::to_string(axis) + " of a tensor of " + std::to_string(rank) + " dimensions");
  return axis < 0 ? axis + rank : axis;
}

Sizes Call::axes(Sizes axes, std::int64_t rank) const {
  for (std::int64_t& one : axes) one = axis(one, rank);
  return axes;
}

void Call::fail(const std::string& what) const { throw CompareError(what); }

}  // namespace sonde::compare::onnx
