#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/output_fit.h"

namespace sonde::analysis {
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

void OutputRangeAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const LossReading& reading = run.reading();
  const Scale& target = run.target();
  const std::optional<Bounds> bounds = bounds_of(reading.output);
  const bool by_value = reading.kind == LossKind::mse || reading.kind == LossKind::mae || reading.kind == LossKind::bce;
  if (!bounds || !target.known || !by_value) return;
  // By how much of its own spread the target leaves the range: a little is noise, the greater part is a mistake.
  const double spread = std::max(target.deviation, 1e-12 * std::abs(target.mean));
  const double beyond = std::max({0.0, target.max - bounds->high, bounds->low - target.min});
  if (!(beyond > 0.1 * spread) || !(beyond > 1e-6)) return;
  const bool much =
      target.mean - spread < bounds->low - 0.05 * spread || target.mean + spread > bounds->high + 0.05 * spread;
  Sighting sighting;
  sighting.sign = Sign::output_range;
  sighting.severity = much ? Severity::warning : Severity::advice;
  sighting.site = reading.prediction;
  sighting.step = step.number();
  sighting.position = run.graph().depth(reading.prediction);
  sighting.message = fmt::format("the output is {} and stays in [{}, {}], the target is {} +- {} in [{}, {}]",
                                 words(reading.output), number(bounds->low), number(bounds->high), number(target.mean),
                                 number(target.deviation), number(target.min), number(target.max));
  sighting.suspects.push_back({Cause::wrong_output_activation, 0.93, reading.prediction, {}, sighting.message});
  sighting.suspects.push_back({Cause::labels_out_of_range, 0.6, 0, "labels", {}});
  sighting.suspects.push_back({Cause::target_not_normalized, target.rms > 10 ? 0.6 : 0.4, 0, "labels", {}});
  seen.push_back(std::move(sighting));
}

void ConstantOutputAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const LossReading& reading = run.reading();
  const trace::TensorStats* prediction = step.stats(reading.prediction, Phase::forward);
  if (prediction == nullptr || prediction->min > prediction->max) return;
  const bool one_unit = (reading.output == Output::softmax && prediction->min == 1) ||
                        (reading.output == Output::log_softmax && prediction->min == 0);
  const bool same = prediction->min == prediction->max;
  Sighting sighting;
  sighting.sign = Sign::constant_output;
  sighting.site = reading.prediction;
  sighting.step = step.number();
  sighting.position = run.graph().depth(reading.prediction);
  if (one_unit && same && reading.width == 1) {
    sighting.severity = Severity::error;
    sighting.message = fmt::format("{} over one unit gives {} for every sample: no gradient gets past it",
                                   words(reading.output), number(prediction->min));
    sighting.suspects.push_back({Cause::wrong_output_activation, 0.96, reading.prediction, {}, sighting.message});
    sighting.suspects.push_back({Cause::wrong_output_width,
                                 0.6,
                                 run.graph().operand(reading.prediction),
                                 {},
                                 "two classes need two units with softmax, or one with sigmoid"});
    sighting.suspects.push_back({Cause::loss_output_mismatch, 0.65, 0, "loss", {}});
    seen.push_back(std::move(sighting));
    return;
  }
  constant_ = same && prediction->count > 1 ? constant_ + 1 : 0;
  if (constant_ < kSteps || run.improved_since(0) || run.target().deviation == 0) return;
  sighting.severity = Severity::warning;
  sighting.revocable = true;
  sighting.message = fmt::format("the output is {} for every sample of {} observed steps in a row",
                                 number(prediction->min), constant_);
  sighting.suspects.push_back({Cause::unknown, 0.3, reading.prediction, {}, "the input no longer reaches the output"});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
