// Rule initial-loss: the first loss lies far above what a blind guess gives (TheDeepChecker). Advice.
// Formula, before the first update: cross-entropy above 2 ln C + 1 for C classes; squared error above 100 variances of
// the target, where these are not large themselves (target-scale). Healthy: pretrained weights start below it.
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_initial_loss(const MetaModel& model) {
  const LossFacts& loss = model.loss;
  const Operation* output = model.find(loss.prediction);
  if (!model.first_step || output == nullptr || !std::isfinite(loss.first_value) || loss.reduction == 2) return {};
  const bool classes = loss.kind == LossKind::cross_entropy || loss.kind == LossKind::nll;
  if (classes && loss.width > 1) {
    const double chance = std::log(static_cast<double>(loss.width));
    if (!(loss.first_value > 2 * chance + 1)) return {};
    Violation violation = advice_on("model", Cause::bad_initialization, 0.4,
                                    fmt::format("the first loss is {}; guessing among {} classes gives {}",
                                                number(loss.first_value), loss.width, number(chance)));
    violation.causes.push_back({Cause::input_not_normalized, 0.3, 0, "data", {}});
    return {violation};
  }
  const TensorFacts& target = model.labels.values;
  const double variance = target.deviation * target.deviation;
  constexpr double kLargeTarget = 30;
  if (loss.kind != LossKind::mse || !target.known() || variance == 0 || target.rms > kLargeTarget ||
      !(loss.first_value > 100 * variance) || !output->output.known())
    return {};
  const std::string seen = fmt::format("the first loss is {}, {} times the variance of the target",
                                       number(loss.first_value), number(loss.first_value / variance));
  if (output->output.rms > 3 * target.rms) return {advice_on("model", Cause::bad_initialization, 0.4, seen)};
  return {advice_on(
      "labels", Cause::target_not_normalized, 0.4,
      fmt::format("{}: its mean is {}, its deviation {}", seen, number(target.mean), number(target.deviation)))};
}

}  // namespace sonde::rules
