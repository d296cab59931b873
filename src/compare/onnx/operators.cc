#include "compare/onnx/operators.h"

#include <unordered_map>

namespace sonde::compare::onnx {
namespace {

const std::unordered_map<std::string_view, const Operator*>& table() {
  static const auto all = [] {
    std::unordered_map<std::string_view, const Operator*> result;
    for (const auto group :
         {activations(), arithmetic(), constants(), control_flow(), convolutions(), indexing(), matrix_products(),
          normalizations(), pooling(), quantization(), recurrent_layers(), reductions(), resizing(), shapes()})
      for (const Operator& one : group) result.emplace(one.name, &one);
    return result;
  }();
  return all;
}

}  // namespace

const Operator* find_operator(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : found->second;
}

std::size_t operator_count() { return table().size(); }

}  // namespace sonde::compare::onnx
