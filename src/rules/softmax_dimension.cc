// Rule softmax-dimension: the output's softmax runs over the samples of the batch instead of the classes. Certain: warning.
// Formula: the prediction is a softmax of two dimensions over the first of them, which is the batch.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_softmax_dimension(const MetaModel& model) {
  const Operation* output = model.find(model.loss.prediction);
  if (output == nullptr || output->arguments.empty() || output->shape.size() != 2) return {};
  if (output->op_class != OpClass::softmax && output->op_class != OpClass::log_softmax) return {};
  const double dimension = output->arguments.front();
  const bool over_batch = dimension == 0 || dimension == -2;
  const bool is_batch = output->shape[0] > 1 && output->shape[0] == model.input.batch;
  if (!over_batch || !is_batch || output->shape != model.loss.prediction_shape || model.loss.width < 2) return {};
  Violation violation = advice_at(*output, Cause::wrong_output_activation, 0.95,
                                  fmt::format("{} runs over the {} samples of the batch, not over the {} classes",
                                              name_of(*output), output->shape[0], output->shape[1]));
  violation.severity = Severity::warning;
  violation.causes.front().fix = "dimension 1 (or -1) in place of 0";
  return {violation};
}

}  // namespace sonde::rules
