// One run of a graph: its values while it lasts.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include "compare/onnx/runner.h"

namespace sonde::compare::onnx {

// A node as messages name it: its name, operator, operator set and first output.
[[nodiscard]] std::string place_of(const formats::onnx::Node& node, std::int64_t opset);

// As a CompareError that names the node.
[[noreturn]] void rethrow(const std::exception& error, const formats::onnx::Node& node, std::int64_t opset);

class Run final : public Subgraphs {
 public:
  explicit Run(const Runner& runner) : runner_(runner) {}

  [[nodiscard]] Tensors run_model(const Inputs& inputs);
  [[nodiscard]] Tensors run(const formats::onnx::Graph& graph, const Tensors& inputs) override;

 private:
  Run(const Runner& runner, const Run* outer) : runner_(runner), outer_(outer), from_(outer->from_), to_(outer->to_) {}

  void take(const formats::onnx::Value& input, const at::Tensor& given);
  [[nodiscard]] Tensors run_nodes(const formats::onnx::Graph& graph);
  void run_node(const formats::onnx::Node& node);
  [[nodiscard]] at::Tensor value(const std::string& name) const;
  [[nodiscard]] at::Tensor in_type(const at::Tensor& tensor) const;

  const Runner& runner_;
  const Run* const outer_ = nullptr;
  const formats::onnx::Graph* graph_ = nullptr;
  Runner::Values values_;
  // The floating-point type that the graph says, and the one that the inputs are of.
  std::optional<at::ScalarType> from_;
  std::optional<at::ScalarType> to_;
};

}  // namespace sonde::compare::onnx
