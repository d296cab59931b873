// Rule learning-rate-range: outside what is usual for this optimizer (Theia LOB, UMLAUT). Advice; explains a loss that
// diverges or does not fall.
// Formula: Adam, AdamW, RMSprop above 0.01, Adagrad above 0.1; SGD by rate / (1 - momentum), above 0.5 without
// normalisation and 5 with it. Weak habits below 1e-5, for SGD below 1e-3, and plain SGD at 0.01 and below in a classifier.
// A rate of zero is left to learning-rate-zero (and is how a warm-up begins); LBFGS searches its own.
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {
namespace {

constexpr double kRounding = 1 + 1e-6;  // 0.05 / (1 - 0.9) is 0.5 and a little

struct Range {
  double low = 0;
  double high = 0;  // 0: nothing is usual for it
};

Range usual_for(const MetaModel& model, const OptimizerGroup& group) {
  if (group.optimizer == "Adam" || group.optimizer == "AdamW" || group.optimizer == "RMSprop") return {1e-5, 0.01};
  if (group.optimizer == "Adagrad") return {1e-5, 0.1};
  if (group.optimizer == "SGD") return {1e-3, uses(model, OpClass::normalization) ? 5.0 : 0.5};
  return {};
}

}  // namespace

Violations check_learning_rate(const MetaModel& model) {
  for (const OptimizerGroup& group : model.groups) {
    const double rate = group.learning_rate;
    const Range usual = usual_for(model, group);
    if (!(rate > 0) || !std::isfinite(rate) || usual.high == 0) continue;
    const double step = group.optimizer == "SGD" && group.momentum < 1 ? rate / (1 - group.momentum) : rate;
    const std::string what = step == rate
                                 ? fmt::format("{} has a rate of {}", group.optimizer, number(rate))
                                 : fmt::format("{} has a rate of {} and a momentum of {}, together {}", group.optimizer,
                                               number(rate), number(group.momentum), number(step));
    if (step > usual.high * kRounding) {
      return {advice_on("optimizer", Cause::learning_rate_too_high, step > 4 * usual.high ? 0.6 : 0.45,
                        fmt::format("{}; up to {} is usual here", what, number(usual.high)))};
    }
    if (step < usual.low) {
      return {advice_on("optimizer", Cause::learning_rate_too_low, 0.25,
                        fmt::format("{}; {} and more is usual here", what, number(usual.low)))};
    }
    if (group.optimizer == "SGD" && group.momentum == 0 && rate <= 0.01 && judges_classes(model)) {
      Violation violation = advice_on("optimizer", Cause::learning_rate_too_low, 0.25, what + ", without momentum");
      violation.causes.push_back({Cause::wrong_optimizer, 0.2, 0, "optimizer", {}});
      return {violation};
    }
  }
  return {};
}

}  // namespace sonde::rules
