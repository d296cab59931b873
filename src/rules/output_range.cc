// Rule output-range: targets outside of what the output activation can give (DeepDiagnosis OutOfRange, TheDeepChecker).
// Formula: by how much the target leaves [0, 1] of sigmoid and softmax, [-1, 1] of tanh, [0, inf) of a rectifier, in units
// of its own deviation: above a tenth it is told (advice), and a warning where its mean plus or minus its deviation lies
// outside. Healthy: targets that touch the bound.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "rules/checks.h"
#include "rules/loss_reading.h"

namespace sonde::rules {
namespace {

struct Bounds {
  double low;
  double high;
};

std::optional<Bounds> bounds_of(Output output) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (output) {
    case Output::sigmoid:
    case Output::softmax:
      return Bounds{0, 1};
    case Output::tanh:
      return Bounds{-1, 1};
    case Output::rectifier:
    case Output::exponential:
      return Bounds{0, kInfinity};
    case Output::log_softmax:
      return Bounds{-kInfinity, 0};
    default:
      return std::nullopt;
  }
}

}  // namespace

Violations check_output_range(const MetaModel& model) {
  const LossFacts& loss = model.loss;
  const TensorFacts& target = model.labels.values;
  const std::optional<Bounds> bounds = bounds_of(loss.output);
  const bool by_value = loss.kind == LossKind::mse || loss.kind == LossKind::mae || loss.kind == LossKind::bce;
  const Operation* prediction = model.find(loss.prediction);
  if (!bounds || !target.known() || !by_value || prediction == nullptr) return {};
  // By how much of its own spread the target leaves the range: a little is noise, the greater part is a mistake.
  const double spread = std::max(target.deviation, 1e-12 * std::abs(target.mean));
  const double beyond = std::max({0.0, target.max - bounds->high, bounds->low - target.min});
  if (!(beyond > 0.1 * spread) || !(beyond > 1e-6)) return {};
  const bool much =
      target.mean - spread < bounds->low - 0.05 * spread || target.mean + spread > bounds->high + 0.05 * spread;
  Violation violation =
      advice_at(*prediction, Cause::wrong_output_activation, 0.93,
                fmt::format("the output is {} and stays in [{}, {}], the target is {} +- {} in [{}, {}]",
                            words(loss.output), number(bounds->low), number(bounds->high), number(target.mean),
                            number(target.deviation), number(target.min), number(target.max)));
  violation.severity = much ? Severity::warning : Severity::advice;
  violation.causes.push_back({Cause::labels_out_of_range, 0.6, 0, "labels", {}});
  violation.causes.push_back({Cause::target_not_normalized, target.rms > 10 ? 0.6 : 0.4, 0, "labels", {}});
  return {violation};
}

}  // namespace sonde::rules
