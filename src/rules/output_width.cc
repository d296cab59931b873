// Rule output-width: outputs against classes (NeuraLint; AUTOTRAINER).
// Error: cross-entropy over one output is zero whatever it says. Advice: twice as many outputs as classes, after at least
// ten labels for each output were seen.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_output_width(const MetaModel& model) {
  const LossFacts& loss = model.loss;
  const Operation* output = model.find(loss.prediction);
  if (output == nullptr || loss.prediction_shape.size() != 2) return {};
  const bool softmax = loss.output == OutputKind::softmax || loss.output == OutputKind::log_softmax;
  if (loss.kind == LossKind::cross_entropy && loss.width == 1 && !softmax) {
    Violation violation = advice_at(*output, Cause::wrong_output_width, 0.95,
                                    "cross-entropy over one output is zero for every answer: nothing can be learnt");
    violation.severity = Severity::error;
    violation.causes.push_back({Cause::loss_output_mismatch, 0.8, 0, "loss", {}});
    return {violation};
  }
  constexpr std::uint64_t kSeen = 10;
  const bool classes = loss.kind == LossKind::cross_entropy || loss.kind == LossKind::nll;
  const TensorFacts& labels = model.labels.values;
  if (!classes || !model.labels.integral || !labels.known() || model.labels.one_hot || loss.width < 4 ||
      labels.count < kSeen * static_cast<std::uint64_t>(loss.width))
    return {};
  const double seen = labels.max + 1;
  if (!(seen > 1) || 2 * seen > static_cast<double>(loss.width)) return {};
  return {advice_at(*output, Cause::wrong_output_width, 0.4,
                    fmt::format("{} outputs, but no label above {} in {}", loss.width, number(labels.max),
                                counted(static_cast<std::int64_t>(labels.count), "label")))};
}

}  // namespace sonde::rules
