// Rule optimizer-settings: weight decay or momentum far from what is usual. Advice.
// Formula: weight decay above 0.05 where it is part of the gradient (SGD, Adam, RMSprop, Adagrad), above 1 for AdamW, which
// multiplies it with the rate; momentum of 0.995 and more for SGD.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_optimizer_settings(const MetaModel& model) {
  for (const OptimizerGroup& group : model.groups) {
    const double most = group.optimizer == "AdamW" ? 1 : 0.05;
    if (group.weight_decay > most) {
      return {advice_on("optimizer", Cause::optimizer_settings, group.weight_decay > 10 * most ? 0.6 : 0.4,
                        fmt::format("{} has a weight decay of {}", group.optimizer, number(group.weight_decay)))};
    }
    if (group.optimizer == "SGD" && group.momentum >= 0.995) {
      return {advice_on("optimizer", Cause::optimizer_settings, 0.4,
                        fmt::format("SGD has a momentum of {}: it remembers {} steps", number(group.momentum),
                                    number(1 / (1 - group.momentum))))};
    }
  }
  return {};
}

}  // namespace sonde::rules
