// Does the loss depend on the input at all? The program runs once more with the input's elements in another order. A
// loss that stays the same is not enough: where the last layer starts at zero, the input shows in its gradient first.
#include <algorithm>
#include <cmath>

#include "preflight/kinds.h"
#include "preflight/trial.h"
#include "probes/op_table.h"

namespace sonde::preflights {
namespace {

constexpr double kRounding = 1e-6;

std::vector<at::Tensor> gradients_of(Trial& trial, const at::Tensor& loss) {
  trial.backward(loss);
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : trial.trained())
    gradients.push_back(parameter.tensor.grad().defined() ? parameter.tensor.grad().to_dense().clone() : at::Tensor());
  return gradients;
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const at::Tensor& x, const at::Tensor& y) {
    if (!x.defined() || !y.defined()) return x.defined() == y.defined();
    return relative_difference(x, y) <= 10 * kRounding;
  });
}

// What an operation is, whose output is the same whatever the input.
RankedCause cause_of(const TapedOp& lost) {
  const auto op_class = probes::op_traits(lost.operation).op_class;
  if (op_class == trace::OpClass::softmax || op_class == trace::OpClass::log_softmax)
    return because(Cause::wrong_output_activation, 0.8,
                   "a softmax over one unit is always 1: use a sigmoid, or two units");
  if (op_class == trace::OpClass::rectifier || op_class == trace::OpClass::saturating)
    return because(Cause::bad_initialization, 0.7,
                   "every unit lies in the flat part of this activation: initialise the layer before it anew");
  return because(Cause::bad_initialization, 0.5,
                 "what comes out here is the same for every input: look at the weights of this layer");
}

}  // namespace

void loss_depends_on_input(Trial& trial) {
  const auto other_input = trial.shuffled_input();
  if (!other_input.defined()) {
    trial.not_observed("whether the loss depends on the input", "all elements of the input are alike");
    return;
  }
  const auto first = trial.record(trial.input());
  const auto gradients = gradients_of(trial, first.loss);
  const auto second = trial.record(other_input);
  if (!first.tape.read.contains(storage_of(trial.input()))) {
    trial.not_observed("whether the loss depends on the input", "the function does not read its argument");
    return;
  }
  const double difference = std::abs(first.tape.loss - second.tape.loss);
  if (!std::isfinite(first.tape.loss) || difference > kRounding * std::abs(first.tape.loss)) return;
  if (!same(gradients, gradients_of(trial, second.loss))) return;

  const auto& operations = first.tape.operations;
  const auto common = common_length(first.tape, second.tape);
  std::size_t after_last = 0;  // the operation after the last one that felt the input
  for (std::size_t i = 0; i < common; ++i)
    if (differs(operations[i], second.tape.operations[i])) after_last = i + 1;
  if (operations.empty()) return;
  const auto& lost = operations[std::min(after_last, operations.size() - 1)];
  trial.found(Severity::error, kInputIgnored, lost.where(Phase::forward),
              "with the input's elements in another order, the loss stays " + number(first.tape.loss) +
                  " and no gradient changes; from this operation on all is the same",
              cause_of(lost));
}

}  // namespace sonde::preflights
