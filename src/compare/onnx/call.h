// One node of an ONNX graph while it runs: its inputs as tensors, its attributes with their defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "formats/onnx.h"

namespace sonde::compare::onnx {

using Tensors = std::vector<at::Tensor>;
using Sizes = std::vector<std::int64_t>;

// Runs the subgraphs of a node where it stands.
class Subgraphs {
 public:
  virtual ~Subgraphs() = default;
  [[nodiscard]] virtual Tensors run(const formats::onnx::Graph& graph, const Tensors& inputs) = 0;
};

class Call {
 public:
  Call(const formats::onnx::Node& node, std::int64_t opset, Tensors inputs, const Tensors& prepared,
       Subgraphs* subgraphs)
      : node_(node), opset_(opset), inputs_(std::move(inputs)), prepared_(prepared), subgraphs_(subgraphs) {}

  [[nodiscard]] std::int64_t opset() const noexcept { return opset_; }
  [[nodiscard]] std::size_t outputs() const noexcept { return node_.outputs.size(); }
  [[nodiscard]] bool wants(std::size_t output) const {
    return output < node_.outputs.size() && !node_.outputs[output].empty();
  }

  // Inputs. in() throws if it is left out; optional() is undefined then.
  [[nodiscard]] const Tensors& inputs() const noexcept { return inputs_; }
  [[nodiscard]] bool has(std::size_t input) const { return input < inputs_.size() && inputs_[input].defined(); }
  [[nodiscard]] const at::Tensor& in(std::size_t input) const;
  [[nodiscard]] const std::string& name() const noexcept { return node_.name; }
  [[nodiscard]] const std::string& input_name(std::size_t input) const { return node_.inputs.at(input); }
  // Whether the node names it, known or not while the model is loaded.
  [[nodiscard]] bool names_input(std::size_t input) const {
    return input < node_.inputs.size() && !node_.inputs[input].empty();
  }
  [[nodiscard]] at::Tensor optional(std::size_t input) const { return has(input) ? inputs_[input] : at::Tensor(); }
  // What the operator's prepare() made of initializers, when the model was loaded.
  [[nodiscard]] const Tensors& prepared() const noexcept { return prepared_; }

  // Attributes. Reals are the decimal number that was meant: 1e-05, not the float next to it.
  [[nodiscard]] bool given(std::string_view name) const { return attribute(name) != nullptr; }
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] std::int64_t integer(std::string_view name) const;  // throws if it is not given
  [[nodiscard]] bool flag(std::string_view name, bool otherwise = false) const { return integer(name, otherwise) != 0; }
  [[nodiscard]] double real(std::string_view name, double otherwise) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const;
  [[nodiscard]] std::optional<Sizes> integers(std::string_view name) const;
  [[nodiscard]] Sizes integers(std::string_view name, Sizes otherwise) const;
  [[nodiscard]] std::vector<double> reals(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] at::Tensor tensor(std::string_view name) const;  // throws if it is not given
  // What is an input since some operator set and was an attribute before.
  [[nodiscard]] std::optional<Sizes> integers(std::string_view name, std::size_t input) const;
  [[nodiscard]] Tensors run_subgraph(std::string_view name, const Tensors& inputs) const;

  // A dimension counted from the end if negative. Throws if there is none such.
  [[nodiscard]] std::int64_t axis(std::int64_t axis, std::int64_t rank) const;
  [[nodiscard]] Sizes axes(Sizes axes, std::int64_t rank) const;

  [[noreturn]] void fail(const std::string& what) const;  // CompareError

 private:
  [[nodiscard]] const formats::onnx::Attribute* attribute(std::string_view name) const;

  const formats::onnx::Node& node_;
  const std::int64_t opset_;
  const Tensors inputs_;
  const Tensors& prepared_;
  Subgraphs* const subgraphs_;
};

// The elements of a small tensor of integers or reals, without a call of an operator that a recording would see.
[[nodiscard]] Sizes integers_of(const at::Tensor& tensor);
[[nodiscard]] std::vector<double> reals_of(const at::Tensor& tensor);

}  // namespace sonde::compare::onnx
