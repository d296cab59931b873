// Rule constant-labels: a target of one value for every sample of a regression (TheDeepChecker). Advice, since a target that
// is constant on purpose exists: residuals of an equation that are to vanish, the discriminator of a least-squares GAN.
// Formula: squared or absolute error of a layer's own output, at least 16 targets, all the same.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_constant_labels(const MetaModel& model) {
  constexpr std::uint64_t kEnough = 16;
  const LossFacts& loss = model.loss;
  const TensorFacts& labels = model.labels.values;
  if (loss.kind != LossKind::mse && loss.kind != LossKind::mae) return {};
  if (loss.output == OutputKind::other || loss.output == OutputKind::unknown) return {};
  if (!labels.known() || labels.count < kEnough || labels.min != labels.max) return {};
  return {advice_on("labels", Cause::labels_constant, 0.6,
                    fmt::format("all {} targets seen are {}", labels.count, number(labels.min)))};
}

}  // namespace sonde::rules
