// Rule dropout-output: dropout on the output itself. Advice: zeroed answers are judged as if the network had given them.
// Formula: a dropout with p > 0 is the prediction, or stands directly between it and the loss.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dropout_output(const MetaModel& model) {
  const std::uint32_t prediction = model.loss.prediction;
  if (prediction == 0) return {};
  for (const Operation& dropout : model.operations) {
    const bool at_output = dropout.id == prediction || dropout.before == prediction;
    if (dropout.op_class != OpClass::dropout || !at_output) continue;
    if (dropout.arguments.empty() || !(dropout.arguments.front() > 0)) continue;
    Violation violation = advice_at(dropout, Cause::redundant_dropout, 0.6,
                                    fmt::format("{} drops {} of the answers before the loss sees them",
                                                name_of(dropout), percent(dropout.arguments.front())));
    violation.causes.front().fix = "dropout between hidden layers, none behind the last one";
    return {violation};
  }
  return {};
}

}  // namespace sonde::rules
