#include <limits>

#include <ATen/ATen.h>

#include "compare/onnx/operators.h"

namespace sonde::compare::onnx {
namespace {

bool truth(const at::Tensor& condition) { return integers_of(condition).at(0) != 0; }

Tensors branch(const Call& call) { return call.run_subgraph(truth(call.in(0)) ? "then_branch" : "else_branch", {}); }

// The body takes the number of the round, the condition and what is carried on; it gives the condition, what is carried on,
// and what is stacked over the rounds.
Tensors loop(const Call& call) {
  const std::int64_t rounds = call.has(0) ? integers_of(call.in(0)).at(0) : std::numeric_limits<std::int64_t>::max();
  bool more = !call.has(1) || truth(call.in(1));
  Tensors carried(call.inputs().begin() + 2, call.inputs().end());
  std::vector<Tensors> stacked(call.outputs() - carried.size());
  for (std::int64_t i = 0; more && i < rounds; ++i) {
    Tensors inputs = {at::scalar_tensor(i, at::kLong), at::scalar_tensor(true, at::kBool)};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    const Tensors given = call.run_subgraph("body", inputs);
    if (given.size() != 1 + carried.size() + stacked.size())
      call.fail("a body with " + std::to_string(given.size()) + " outputs");
    more = truth(given[0]);
    for (std::size_t k = 0; k < carried.size(); ++k) carried[k] = given[1 + k];
    for (std::size_t k = 0; k < stacked.size(); ++k) stacked[k].push_back(given[1 + carried.size() + k]);
  }
  Tensors outputs = carried;
  for (const Tensors& all : stacked) outputs.push_back(all.empty() ? at::empty({0}) : at::stack(all));
  return outputs;
}

constexpr Operator kOperators[] = {
    {"If", branch},
    {"Loop", loop},
};

}  // namespace

std::span<const Operator> control_flow() { return kOperators; }

}  // namespace sonde::compare::onnx
