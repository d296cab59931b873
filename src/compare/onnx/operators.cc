#include "compare/onnx/operators.h"

#include <unordered_map>

namespace sonde::compare::onnx {
namespace {

template <std::size_t kInput>
Tensors pass(const Call& call) {
  return {call.in(kInput)};
}

const std::unordered_map<std::string_view, const Operator*>& table() {
  static const auto all = [] {
    std::unordered_map<std::string_view, const Operator*> result;
    for (const auto group : {activations(), arithmetic(), attentions(), constants(), control_flow(), convolutions(),
                             indexing(), matrix_products(), normalizations(), pooling(), quantization(),
                             recurrent_layers(), reductions(), resizing(), shapes()})
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

const Operator* pass_on(std::size_t input) {
  static constexpr Operator kFirst{"", pass<0>};
  static constexpr Operator kSecond{"", pass<1>};
  return input == 0 ? &kFirst : &kSecond;
}

}  // namespace sonde::compare::onnx
