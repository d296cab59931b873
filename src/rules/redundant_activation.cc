// Rule double-activation: an activation on another one's output (Theia CNL, NeuraLint 3). Advice.
// Formula: a pointwise activation whose operand, looking past views and dropout, is an activation. Softmax is left to
// loss-mismatch.
#include <fmt/format.h>

#include "rules/checks.h"
#include "rules/graph.h"

namespace sonde::rules {

Violations check_redundant_activation(const MetaModel& model) {
  constexpr std::size_t kMost = 3;
  Violations found;
  for (const Operation& activation : model.operations) {
    const Operation* before = model.find(activation.before);
    if (found.size() >= kMost || before == nullptr || activation.in_loss) continue;
    const OpClass kind = activation.op_class;
    const bool pointwise = activates(kind) && kind != OpClass::softmax && kind != OpClass::log_softmax;
    if (!pointwise || !activates(before->op_class)) continue;
    found.push_back(advice_at(activation, Cause::redundant_activation, 0.6,
                              fmt::format("{} follows another activation, {}", name_of(activation), name_of(*before))));
  }
  return found;
}

}  // namespace sonde::rules
