#include "compare/onnx/run.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include "compare/tensors.h"

namespace sonde::compare::onnx {

namespace file = formats::onnx;

std::string place_of(const file::Node& node, std::int64_t opset) {
  const std::string set = node.domain.empty() ? "operator set " + std::to_string(opset) : "domain " + node.domain;
  return "node \"" + node.name + "\" (" + node.operation + " of " + set + ", output \"" +
         (node.outputs.empty() ? "" : node.outputs[0]) + "\")";
}

void rethrow(const std::exception& error, const file::Node& node, std::int64_t opset) {
  const auto* const from_torch = dynamic_cast<const c10::Error*>(&error);
  throw CompareError(place_of(node, opset) + ": " + (from_torch ? from_torch->what_without_backtrace() : error.what()));
}

at::Tensor Run::in_type(const at::Tensor& tensor) const {
  return to_ && tensor.defined() && tensor.scalar_type() == *from_ ? tensor.to(*to_) : tensor;
}

at::Tensor Run::value(const std::string& name) const {
  if (name.empty()) return {};
  for (const Run* run = this; run; run = run->outer_) {
    if (const auto found = run->values_.find(name); found != run->values_.end()) return found->second;
    const Runner::Values& initializers = runner_.initializers_.at(run->graph_);
    if (const auto found = initializers.find(name); found != initializers.end()) return in_type(found->second);
  }
  throw CompareError("the value \"" + name + "\" is made by no node before this");
}

void Run::take(const file::Value& input, const at::Tensor& given) {
  const auto fail = [&input](const std::string& got, const std::string& wanted) {
    throw CompareError("input \"" + input.name + "\": got " + got + ", wanted " + wanted);
  };
  at::Tensor tensor = given;
  if (input.dtype) {
    const at::ScalarType wanted = scalar_type_of(*input.dtype);
    const at::ScalarType got = tensor.scalar_type();
    if (c10::isFloatingType(wanted) != c10::isFloatingType(got)) fail(c10::toString(got), c10::toString(wanted));
    if (!c10::isFloatingType(wanted)) {
      tensor = tensor.to(wanted);
    } else if (got != wanted && !to_) {
      from_ = wanted;
      to_ = got;
    }
  }
  if (input.shape) {
    bool fits = input.shape->size() == static_cast<std::size_t>(tensor.dim());
    for (std::size_t d = 0; fits && d < input.shape->size(); ++d)
      fits = (*input.shape)[d] < 0 || (*input.shape)[d] == tensor.size(static_cast<std::int64_t>(d));
    if (!fits) fail("shape " + formats::to_string(tensor.sizes()), formats::to_string(*input.shape));
  }
  values_[input.name] = tensor;
}

Tensors Run::run_model(const Inputs& inputs) {
  if (inputs.size() != runner_.inputs_.size()) {
    std::string names;
    for (const file::Value* input : runner_.inputs_) names += " \"" + input->name + "\"";
    throw CompareError("got " + std::to_string(inputs.size()) + " inputs, wanted " +
                       std::to_string(runner_.inputs_.size()) + ":" + names);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) take(*runner_.inputs_[i], inputs[i]);
  return run_nodes(runner_.model_.graph);
}

Tensors Run::run(const file::Graph& graph, const Tensors& inputs) {
  Run inner(runner_, this);
  if (inputs.size() != graph.inputs.size())
    throw CompareError("a subgraph got " + std::to_string(inputs.size()) + " inputs, wanted " +
                       std::to_string(graph.inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) inner.values_[graph.inputs[i].name] = inputs[i];
  return inner.run_nodes(graph);
}

Tensors Run::run_nodes(const file::Graph& graph) {
  graph_ = &graph;
  for (const file::Node& node : graph.nodes) {
    try {
      run_node(node);
    } catch (const std::exception& error) { rethrow(error, node, runner_.opset_); }
  }
  Tensors outputs;
  for (const file::Value& output : graph.outputs) outputs.push_back(value(output.name));
  return outputs;
}

void Run::run_node(const file::Node& node) {
  const Runner::Step& step = runner_.steps_.at(&node);
  Tensors inputs;
  for (const std::string& name : node.inputs) inputs.push_back(value(name));
  Tensors prepared;
  for (const at::Tensor& tensor : step.prepared) prepared.push_back(in_type(tensor));
  const Call call(node, runner_.opset_, std::move(inputs), prepared, this);
  const Tensors outputs = step.op->run(call);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    if (i >= outputs.size() || !outputs[i].defined())
      throw CompareError("its output " + std::to_string(i) + " cannot be made");
    values_[node.outputs[i]] = in_type(outputs[i]);
  }
  for (const std::string& name : step.dead) values_.erase(name);
}

}  // namespace sonde::compare::onnx
