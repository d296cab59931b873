// The operators of ONNX, each as calls of ATen's: as close as possible to those that a LibTorch module would make.
//
// Specification: the operators' changelog of onnx/onnx, by operator set.
#pragma once

#include <span>
#include <string_view>

#include "compare/onnx/call.h"

namespace sonde::compare::onnx {

struct Operator {
  std::string_view name;
  Tensors (*run)(const Call& call);
  // What it makes of weights that are initializers, once: called with these as inputs and undefined tensors for the others.
  // Empty if it cannot. prepared_names gives the names of weights among these.
  Tensors (*prepare)(const Call& call) = nullptr;
  std::vector<std::string> (*prepared_names)(const Call& call) = nullptr;
};

// Null if it is not known.
[[nodiscard]] const Operator* find_operator(std::string_view name);
// The operator that gives its first, or second, input on: what is left of a node that another one does too.
[[nodiscard]] const Operator* pass_on(std::size_t input);

// The groups, a file each.
[[nodiscard]] std::span<const Operator> activations();
[[nodiscard]] std::span<const Operator> arithmetic();
[[nodiscard]] std::span<const Operator> attentions();
[[nodiscard]] std::span<const Operator> constants();
[[nodiscard]] std::span<const Operator> control_flow();
[[nodiscard]] std::span<const Operator> convolutions();
[[nodiscard]] std::span<const Operator> indexing();
[[nodiscard]] std::span<const Operator> matrix_products();
[[nodiscard]] std::span<const Operator> normalizations();
[[nodiscard]] std::span<const Operator> pooling();
[[nodiscard]] std::span<const Operator> quantization();
[[nodiscard]] std::span<const Operator> recurrent_layers();
[[nodiscard]] std::span<const Operator> reductions();
[[nodiscard]] std::span<const Operator> resizing();
[[nodiscard]] std::span<const Operator> shapes();

}  // namespace sonde::compare::onnx
