// Rule dropout-output: dropout on the output itself. Advice: zeroed answers are judged as if the network had given them.
// Formula: the operation that made the prediction is a dropout with p > 0.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dropout_output(const MetaModel& model) {
  const Operation* output = model.find(model.loss.prediction);
  if (output == nullptr || output->op_class != OpClass::dropout) return {};
  if (output->arguments.empty() || !(output->arguments.front() > 0)) return {};
  Violation violation = advice_at(*output, Cause::redundant_dropout, 0.6,
                                  fmt::format("{} drops {} of the answers before the loss sees them", name_of(*output),
                                              percent(output->arguments.front())));
  violation.causes.front().fix = "dropout between hidden layers, none behind the last one";
  return {violation};
}

}  // namespace sonde::rules
