// An ONNX graph, node by node.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>
#include <sonde/compare.h>

#include "compare/onnx/operators.h"
#include "compare/subject.h"
#include "formats/onnx.h"

namespace sonde::compare::onnx {

// Thread-safety: run() may be called by one thread at a time.
class Runner {
 public:
  // Throws CompareError, with the node, for an operator that is not known.
  explicit Runner(formats::onnx::Model model);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Weights: constants with elements that are real or 8-bit integers and at least one dimension, in the order in which they
  // are used. Those that LibTorch's layers hold otherwise (transposed, gates in another order) are as LibTorch holds them.
  [[nodiscard]] const std::vector<StoredTensor>& stored() const noexcept { return stored_; }

  // `inputs` in the order of the graph's, initializers left out. If they are of another floating-point type than the graph
  // says, the whole model computes in that type. Throws CompareError, with the node at which it failed.
  [[nodiscard]] Tensors run(const Inputs& inputs) const;

 private:
  friend class Run;

  using Values = std::unordered_map<std::string, at::Tensor>;
  struct Step {
    const Operator* op = nullptr;
    Tensors prepared;
    std::vector<std::string> dead;  // values that no later node uses
  };

  void plan(const formats::onnx::Graph& graph);
  void find_dead(const formats::onnx::Graph& graph);
  void prepare(const formats::onnx::Graph& graph, Values known);
  void prepare_node(const formats::onnx::Node& node, Values& known);
  void join_biases(const formats::onnx::Graph& graph, const Values& known);
  void store(const std::string& name, const at::Tensor& tensor, bool buffer);

  const formats::onnx::Model model_;
  std::int64_t opset_ = 1;
  std::unordered_map<const formats::onnx::Node*, Step> steps_;
  std::unordered_map<const formats::onnx::Graph*, Values> initializers_;
  std::vector<const formats::onnx::Value*> inputs_;
  std::vector<StoredTensor> stored_;
};

}  // namespace sonde::compare::onnx
