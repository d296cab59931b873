// Do all parameters receive a gradient? Three passes with updates in between: branches that start at zero (LoRA, residual
// gates, a zero head) let gradients through only once they have moved.
#include <algorithm>

#include "preflight/kinds.h"
#include "preflight/optimizer_copy.h"
#include "preflight/trial.h"
#include "probes/op_table.h"

namespace sonde::preflights {
namespace {

constexpr int kPasses = 3;

struct Arrival {
  bool defined = false;
  bool nonzero = false;
};

// The operation that reads the parameter, if one does.
Location place(const TrialParameter& parameter, const Tape& tape) {
  for (const auto& op : tape.operations)
    if (op.owned && op.layer == parameter.layer && probes::op_traits(op.operation).op_class != trace::OpClass::view)
      return op.where(Phase::gradient);
  Location where;
  where.layer = parameter.layer;
  if (parameter.layer.empty()) where.part = "model";
  where.phase = Phase::gradient;
  return where;
}

void tell(Trial& trial, const Tape& tape, Severity severity, const char* kind,
          const std::vector<const TrialParameter*>& which, const std::string& what, RankedCause cause) {
  if (which.empty()) return;
  std::vector<std::string> names;
  for (const auto* parameter : which) names.push_back(parameter->name);
  trial.found(severity, kind, place(*which[0], tape), list(names) + what, std::move(cause));
}

}  // namespace

void gradients_arrive(Trial& trial) {
  const auto& trained = trial.trained();
  std::vector<Arrival> arrivals(trained.size());
  const auto taped = trial.record(trial.input());
  trial.state().begin();
  const auto pass = [&] {
    auto loss = trial.loss();
    trial.backward(loss);
    for (std::size_t i = 0; i < trained.size(); ++i) {
      const auto& gradient = trained[i].tensor.grad();
      if (!gradient.defined()) continue;
      arrivals[i].defined = true;
      arrivals[i].nonzero = arrivals[i].nonzero || gradient.to_dense().ne(0).any().item<bool>();
    }
    return loss;
  };
  OptimizerCopy optimizer(trial.optimizer());
  const bool moves = optimizer.possible() && !stands_still(trial.optimizer());
  if (!moves) pass();
  for (int i = 0; moves && i < kPasses; ++i) optimizer.step(pass);

  std::vector<const TrialParameter*> cut, unused, zero;
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const bool used = taped.tape.full || taped.tape.read.contains(storage_of(trained[i].tensor));
    if (!arrivals[i].defined) {
      (used ? cut : unused).push_back(&trained[i]);
    } else if (!arrivals[i].nonzero && moves) {
      zero.push_back(&trained[i]);
    }
  }
  tell(trial, taped.tape, Severity::warning, kNoGradient, cut,
       ": used in the forward pass and held by the optimizer, but no gradient arrives",
       because(Cause::detached_graph, 0.9,
               "look for detach(), NoGradGuard, argmax or item() between this layer and the loss"));
  tell(trial, taped.tape, Severity::advice, kNotUsed, unused, ": held by the optimizer, but not used for this batch",
       because(Cause::detached_graph, 0.5, "call the layer in forward(), or take it out of the model"));
  tell(trial, taped.tape, Severity::advice, kOnlyZeroGradient, zero,
       ": the gradient was zero in " + std::to_string(kPasses) + " passes over one batch",
       because(Cause::bad_initialization, 0.5,
               "if the layer is meant to learn from every batch: look for units that are "
               "dead or saturated behind it"));
}

}  // namespace sonde::preflights
