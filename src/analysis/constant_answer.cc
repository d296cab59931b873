#include "analysis/constant_answer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/run.h"
#include "rules/loss_reading.h"

namespace sonde::analysis {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double entropy(double share) {
  if (!(share > 0) || !(share < 1)) return kUnknown;
  return -share * std::log(share) - (1 - share) * std::log(1 - share);
}

}  // namespace

double constant_answer_loss(const Run& run) {
  const LossReading& reading = run.reading();
  const Scale& target = run.target();
  if (run.program().loss_reduction == 2 || run.several_losses()) return kUnknown;
  // A sum of terms or a scaled loss is on a scale of its own.
  if (!reading.composite && run.graph().site(run.loss_site()).op_class != trace::OpClass::loss) return kUnknown;
  switch (reading.kind) {
    case LossKind::cross_entropy:
    case LossKind::nll:
    case LossKind::categorical_on_probabilities: {
      if (reading.width < 2) return kUnknown;
      const bool yes_or_no = reading.width == 2 && target.known && target.zero_or_one && !run.one_hot_target();
      const double known = yes_or_no ? entropy(target.mean) : kUnknown;
      return std::isnan(known) ? std::log(static_cast<double>(reading.width)) : known;
    }
    case LossKind::bce:
    case LossKind::bce_logits:
      return target.known ? entropy(target.mean) : kUnknown;
    case LossKind::mse:
      return target.known && target.deviation > 0 ? target.deviation * target.deviation : kUnknown;
    case LossKind::mae:
      // Yes-or-no labels: always say what is more frequent.
      if (target.known && target.min == 0 && target.max == 1) return std::min(target.mean, 1 - target.mean);
      return kUnknown;
    case LossKind::hinge: {
      // Labels of -1 and 1: zero loses 1 on each, the more frequent one 2 on the others.
      if (!target.known || target.min != -1 || target.max != 1) return kUnknown;
      const double share = (target.mean + 1) / 2;
      return std::min(1.0, 2 * std::min(share, 1 - share));
    }
    default:
      return kUnknown;
  }
}

}  // namespace sonde::analysis
