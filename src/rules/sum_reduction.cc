// Rule sum-reduction: the loss is summed over a batch, and SGD's step with it (TheDeepChecker). Advice.
// Formula: reduction sum, and rate / (1 - momentum) times the samples of a batch above 1. Healthy: Adam, which divides it
// out again; a rate that was chosen for sums.
#include <algorithm>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_sum_reduction(const MetaModel& model) {
  if (model.loss.reduction != 2) return {};
  const auto batch = static_cast<double>(model.input.batch);
  for (const OptimizerGroup& group : model.groups) {
    const double step = group.momentum < 1 ? group.learning_rate / (1 - group.momentum) : group.learning_rate;
    if (group.optimizer != "SGD" || !(step * batch > 1)) continue;
    return {advice_on("loss", Cause::loss_reduction, 0.45,
                      fmt::format("the loss is a sum over {} samples; with it SGD's rate of {} acts like {}",
                                  number(batch), number(group.learning_rate), number(group.learning_rate * batch)))};
  }
  return {};
}

}  // namespace sonde::rules
