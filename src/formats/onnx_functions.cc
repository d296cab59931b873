#include "formats/onnx_functions.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "formats/error.h"

namespace sonde::formats::onnx {
namespace {

constexpr std::size_t kMostNodes = std::size_t{1} << 20;
constexpr int kDeepest = 32;

// Names inside a function as they are outside: inputs and outputs those of the call, all others made unlike any other.
using Names = std::map<std::string, std::string>;

class Inliner {
 public:
  explicit Inliner(const std::vector<Function>& functions) {
    for (const Function& function : functions) functions_[{function.domain, function.name}] = &function;
  }

  std::vector<Node> expanded(const std::vector<Node>& nodes, int depth) {
    if (depth > kDeepest) throw FormatError(fmt::format("has functions that call each other deeper than {}", kDeepest));
    std::vector<Node> result;
    for (const Node& node : nodes) {
      const auto found = functions_.find({node.domain, node.operation});
      if (found == functions_.end()) {
        if (++nodes_ > kMostNodes)
          throw FormatError(fmt::format("has more than {} nodes with its functions", kMostNodes));
        result.push_back(node);
        for (Attribute& attribute : result.back().attributes)
          for (Graph& graph : attribute.graphs) graph.nodes = expanded(graph.nodes, depth + 1);
        continue;
      }
      for (Node& one : expanded(body_of(*found->second, node), depth + 1)) result.push_back(std::move(one));
    }
    return result;
  }

 private:
  std::vector<Node> body_of(const Function& function, const Node& call) {
    Names names;
    for (std::size_t i = 0; i < function.inputs.size(); ++i)
      names[function.inputs[i]] = i < call.inputs.size() ? call.inputs[i] : "";
    for (std::size_t i = 0; i < function.outputs.size(); ++i)
      if (i < call.outputs.size() && !call.outputs[i].empty()) names[function.outputs[i]] = call.outputs[i];
    const std::string prefix = fmt::format("{}/{}/", call.name.empty() ? call.operation : call.name, calls_++);
    std::vector<Attribute> attributes = call.attributes;
    for (const Attribute& one : function.defaults)
      if (std::ranges::find(attributes, one.name, &Attribute::name) == attributes.end()) attributes.push_back(one);
    std::vector<Node> nodes = function.nodes;
    for (Node& node : nodes) rename(node, names, prefix, attributes);
    return nodes;
  }

  static void rename(Node& node, Names& names, const std::string& prefix, const std::vector<Attribute>& given) {
    const auto renamed = [&](std::string& name) {
      if (!name.empty()) name = names.try_emplace(name, prefix + name).first->second;
    };
    node.name = prefix + node.name;
    std::ranges::for_each(node.inputs, renamed);
    std::ranges::for_each(node.outputs, renamed);
    // An attribute of the function: the call's, or left out to its default.
    std::erase_if(node.attributes, [&given](Attribute& attribute) {
      if (attribute.refers_to.empty()) return false;
      const auto found = std::ranges::find(given, attribute.refers_to, &Attribute::name);
      if (found == given.end()) return true;
      std::string name = std::move(attribute.name);
      attribute = *found;
      attribute.name = std::move(name);
      return false;
    });
    for (Attribute& attribute : node.attributes) {
      for (Graph& graph : attribute.graphs) {
        for (Value& input : graph.inputs) renamed(input.name);
        for (Array& initializer : graph.initializers) renamed(initializer.name);
        for (Node& inner : graph.nodes) rename(inner, names, prefix, given);
        for (Value& output : graph.outputs) renamed(output.name);
      }
    }
  }

  std::map<std::pair<std::string, std::string>, const Function*> functions_;
  std::size_t nodes_ = 0;
  std::size_t calls_ = 0;
};

}  // namespace

void inline_functions(Model& model) {
  if (model.functions.empty()) return;
  model.graph.nodes = Inliner(model.functions).expanded(model.graph.nodes, 0);
  model.functions.clear();
}

}  // namespace sonde::formats::onnx
