// Is the forward pass deterministic? The program runs twice from the same state, random state included; differences
// within rounding are left alone, because threads and devices may add numbers up in another order.
#include <algorithm>
#include <cmath>

#include "preflight/kinds.h"
#include "preflight/trial.h"
#include "probes/op_table.h"

namespace sonde::preflights {
namespace {

constexpr double kRounding = 1e-5;

// Memory that was not written yet differs by nature.
bool says_something(const TapedOp& op) {
  const auto traits = probes::op_traits(op.operation);
  return !traits.uninitialised && traits.op_class != trace::OpClass::view;
}

}  // namespace

void forward_is_deterministic(Trial& trial) {
  const auto first = trial.record(trial.input()).tape;
  const auto second = trial.record(trial.input()).tape;
  const double difference = std::abs(first.loss - second.loss);
  const bool both_odd = !std::isfinite(first.loss) && !std::isfinite(second.loss);
  if (both_odd || difference <= kRounding * std::max(std::abs(first.loss), std::abs(second.loss))) return;

  Location where;
  where.part = "model";
  where.phase = Phase::forward;
  const auto common = common_length(first, second);
  std::size_t i = 0;
  while (i < common && !(says_something(first.operations[i]) && differs(first.operations[i], second.operations[i])))
    ++i;
  const auto& operations = first.operations;
  if (i < operations.size()) where = operations[i].where(Phase::forward);
  const auto message = "the same input and random state gave losses of " + number(first.loss) + " and " +
                       number(second.loss) +
                       (i < common              ? "; this is the first operation whose output differs"
                        : i < operations.size() ? "; the second run went another way from this operation on"
                                                : "");
  trial.found(Severity::advice, kForwardNotDeterministic, where, message,
              because(Cause::unknown, 0.5,
                      "if it is not meant: draw random numbers from LibTorch's generators, "
                      "write memory from torch::empty() before it is read, and keep no state "
                      "between calls outside of buffers"));
}

}  // namespace sonde::preflights
