#include "compare/onnx/runner.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "compare/onnx/run.h"
#include "compare/tensors.h"

namespace sonde::compare::onnx {
namespace {

namespace file = formats::onnx;

// All that the node takes from around it, its subgraphs included.
void add_uses(const file::Node& node, std::vector<std::string>& names) {
  names.insert(names.end(), node.inputs.begin(), node.inputs.end());
  for (const file::Attribute& attribute : node.attributes) {
    for (const file::Graph& graph : attribute.graphs) {
      for (const file::Node& inner : graph.nodes) add_uses(inner, names);
      for (const file::Value& output : graph.outputs) names.push_back(output.name);
    }
  }
}

bool is_weight(const at::Tensor& tensor) {
  const at::ScalarType type = tensor.scalar_type();
  return tensor.dim() > 0 && (tensor.is_floating_point() || type == at::kChar || type == at::kByte);
}

// Mean and variance of a batch normalization.
bool is_buffer(const file::Node& node, std::size_t input) {
  return node.operation == "BatchNormalization" && input >= 3;
}

}  // namespace

Runner::Runner(file::Model model) : model_(std::move(model)) {
  for (const file::OperatorSet& set : model_.operator_sets)
    if (set.domain.empty()) opset_ = set.version;
  plan(model_.graph);
  find_dead(model_.graph);
  const Values& initializers = initializers_[&model_.graph];
  for (const file::Value& input : model_.graph.inputs)
    if (!initializers.contains(input.name)) inputs_.push_back(&input);
  prepare(model_.graph, {});
}

void Runner::plan(const file::Graph& graph) {
  Values& initializers = initializers_[&graph];
  for (const formats::Array& array : graph.initializers) initializers.emplace(array.name, to_tensor(array));
  for (const file::Node& node : graph.nodes) {
    const Operator* const op = node.domain.empty() ? find_operator(node.operation) : nullptr;
    if (!op) throw CompareError(place_of(node, opset_) + ": this operator cannot be run");
    steps_[&node].op = op;
    for (const file::Attribute& attribute : node.attributes)
      for (const file::Graph& inner : attribute.graphs) plan(inner);
  }
}

void Runner::find_dead(const file::Graph& graph) {
  std::unordered_map<std::string, const file::Node*> last;
  for (const file::Node& node : graph.nodes) {
    std::vector<std::string> names = node.outputs;
    add_uses(node, names);
    for (std::string& name : names) last[std::move(name)] = &node;
  }
  for (const file::Value& output : graph.outputs) last.erase(output.name);
  for (const auto& [name, node] : last) steps_[node].dead.push_back(name);
}

void Runner::store(const std::string& name, const at::Tensor& tensor, bool buffer) {
  const auto known = [&name](const StoredTensor& one) { return one.name == name; };
  if (is_weight(tensor) && std::ranges::none_of(stored_, known)) stored_.push_back({name, tensor, buffer});
}

// `known`: what is the same in every run.
void Runner::prepare(const file::Graph& graph, Values known) {
  for (const auto& [name, tensor] : initializers_[&graph]) known.insert_or_assign(name, tensor);
  for (const file::Node& node : graph.nodes) {
    prepare_node(node, known);
    for (const file::Attribute& attribute : node.attributes)
      for (const file::Graph& inner : attribute.graphs) prepare(inner, known);
  }
  join_biases(graph, known);
}

// A linear layer on more than two dimensions is a product and a sum in ONNX; in LibTorch it is one operator.
void Runner::join_biases(const file::Graph& graph, const Values& known) {
  std::unordered_map<std::string, std::vector<const file::Node*>> users;
  for (const file::Node& node : graph.nodes) {
    std::vector<std::string> names;
    add_uses(node, names);
    for (const std::string& name : names) users[name].push_back(&node);
  }
  for (const file::Value& output : graph.outputs) users[output.name].push_back(nullptr);
  for (const file::Node& node : graph.nodes) {
    Tensors& prepared = steps_[&node].prepared;
    if (node.operation != "MatMul" || prepared.size() != 1) continue;
    const std::vector<const file::Node*>& after = users[node.outputs.at(0)];
    if (after.size() != 1 || !after[0] || after[0]->operation != "Add" || after[0]->inputs.size() != 2) continue;
    const std::size_t product = after[0]->inputs[0] == node.outputs[0] ? 0 : 1;
    const auto bias = known.find(after[0]->inputs[1 - product]);
    if (bias == known.end() || bias->second.sizes() != prepared[0].sizes().slice(0, 1)) continue;
    prepared.push_back(bias->second);
    steps_[after[0]].op = pass_on(product);
  }
}

void Runner::prepare_node(const file::Node& node, Values& known) {
  Step& step = steps_[&node];
  Tensors inputs;
  for (const std::string& name : node.inputs) {
    const auto found = known.find(name);
    inputs.push_back(found == known.end() ? at::Tensor() : found->second);
  }
  if (node.operation == "Identity" && inputs.at(0).defined()) known.insert_or_assign(node.outputs.at(0), inputs[0]);
  const Call call(node, opset_, inputs, step.prepared, nullptr);
  if (step.op->prepare) {
    try {
      step.prepared = step.op->prepare(call);
    } catch (const std::exception& error) { rethrow(error, node, opset_); }
  }
  if (node.inputs.empty() && step.prepared.size() == 1) known.insert_or_assign(node.outputs.at(0), step.prepared[0]);
  if (!step.prepared.empty() && step.op->prepared_names) {
    const std::vector<std::string> names = step.op->prepared_names(call);
    for (std::size_t i = 0; i < names.size(); ++i) store(names[i], step.prepared[i], false);
    return;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].defined()) store(node.inputs[i], inputs[i], is_buffer(node, i));
}

Tensors Runner::run(const Inputs& inputs) const { return Run(*this).run_model(inputs); }

}  // namespace sonde::compare::onnx
