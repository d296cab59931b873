// Rule constant-output: softmax over one unit is 1 for every sample, and passes no gradient (Theia LLM). Certain: error.
// Formula: width of the prediction 1, its output softmax (log-softmax) and 1 (0) everywhere. Healthy: two units, or sigmoid.
#include <fmt/format.h>

#include "rules/checks.h"
#include "rules/loss_reading.h"

namespace sonde::rules {

Violations check_one_unit_softmax(const MetaModel& model) {
  const Operation* prediction = model.find(model.loss.prediction);
  if (prediction == nullptr || !prediction->output.known() || model.loss.width != 1) return {};
  const TensorFacts& output = prediction->output;
  const bool softmax = model.loss.output == OutputKind::softmax && output.min == 1;
  const bool log_softmax = model.loss.output == OutputKind::log_softmax && output.min == 0;
  if ((!softmax && !log_softmax) || output.min != output.max) return {};
  Violation violation = advice_at(*prediction, Cause::wrong_output_activation, 0.96,
                                  fmt::format("{} over one unit gives {} for every sample: no gradient gets past it",
                                              words(model.loss.output), number(output.min)));
  violation.severity = Severity::error;
  violation.causes.push_back({Cause::wrong_output_width,
                              0.6,
                              prediction->before,
                              {},
                              "two classes need two units with softmax, or one with sigmoid"});
  violation.causes.push_back({Cause::loss_output_mismatch, 0.65, 0, "loss", {}});
  return {violation};
}

}  // namespace sonde::rules
