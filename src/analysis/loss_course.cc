#include "analysis/loss_course.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/constant_answer.h"
#include "rules/loss_reading.h"

namespace sonde::analysis {

namespace {

bool stays_at(double constant, const LossHistory& loss) {
  return std::abs(loss.mean(LossHistory::kRecent) - constant) < 0.05 * std::abs(constant);
}

}  // namespace

void LossCourseAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (run.loss().count() < kEarliest || std::isnan(step.loss())) return;
  diverging(step, run, seen);
  const std::uint64_t count = run.loss().count();
  if (count < due_) return;
  due_ = count + std::clamp(count / 50, kSoonest, kLatest);
  stuck(step, run, seen);
  slow(step, run, seen);
  oscillating(step, run, seen);
}

void LossCourseAnalyzer::diverging(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const LossHistory& loss = run.loss();
  // Targets that grow (Q-learning) make the loss rise as well, but with small steps.
  if (run.several_losses() || !(run.peak_update().value > kLargeStep)) return;
  const double initial = std::min(loss.first(), loss.initial_level());
  const double now = loss.level(10);
  if (!(initial > 0) || !(now > kDiverged * initial)) return;
  Sighting sighting;
  sighting.sign = Sign::loss_diverging;
  sighting.severity = Severity::warning;
  sighting.topic = now > kThrownAway * initial ? "thrown-away" : "";
  sighting.revocable = sighting.topic.empty();
  sighting.part = "loss";
  sighting.site = step.loss_site();
  sighting.phase = Phase::loss;
  sighting.step = step.number();
  sighting.message = fmt::format("the loss lies at {}, {} times the {} it started from", number(now),
                                 number(now / initial), number(initial));
  sighting.suspects.push_back(
      {Cause::learning_rate_too_high, 0.85, 0, "optimizer",
       fmt::format("relative updates of the weights reached {} (step {}) at a rate of {}",
                   number(run.peak_update().value), run.peak_update().step, number(run.learning_rate()))});
  sighting.suspects.push_back({Cause::optimizer_settings, 0.3, 0, "optimizer", {}});
  seen.push_back(std::move(sighting));
}

void LossCourseAnalyzer::stuck(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const LossHistory& loss = run.loss();
  if (loss.count() < kPatience || run.several_losses() || run.closures()) return;
  if (run.improved_since(0)) return;
  const Trend plain = loss.long_trend();
  const Trend late = loss.trend(LossHistory::kRecent);
  const double level = loss.level(50);
  const auto falls = [level](const Trend& trend, double steps) {
    return trend.falling() > kConfidence && -trend.slope * steps > kWorthIt * std::abs(level);
  };
  const double constant = constant_answer_loss(run);
  const bool at_constant = stays_at(constant, loss);
  const bool overshot = at_constant && run.peak_update().value > kOvershot;
  const bool falling =
      falls(plain, static_cast<double>(step.number() + 1)) || falls(late, static_cast<double>(loss.count()));
  if (falling && !overshot) return;
  Sighting sighting;
  sighting.sign = Sign::loss_stuck;
  sighting.severity = Severity::advice;
  sighting.revocable = true;
  sighting.part = "loss";
  sighting.site = step.loss_site();
  sighting.phase = Phase::loss;
  sighting.step = step.number();
  sighting.message = fmt::format("the loss has not fallen in {} steps: it started at {} and lies at {}", loss.count(),
                                 number(loss.initial_level()), number(level));
  sighting.useless = at_constant;
  if (at_constant) {
    sighting.severity = loss.count() >= kLong ? Severity::warning : Severity::advice;
    sighting.context.push_back(
        fmt::format("the best answer that ignores the input has a loss of {}", number(constant)));
    sighting.suspects.push_back(
        {Cause::labels_unrelated, 0.55, 0, "labels", "the loss stays where a constant answer puts it"});
    if (run.weights().size() == 1) {
      sighting.suspects.push_back({Cause::too_shallow, 0.6, 0, "model", "a single layer gives weighted sums only"});
    }
  }
  const double update = run.typical_update();
  if (update < 1e-4) {
    sighting.suspects.push_back({Cause::learning_rate_too_low, update < 1e-5 ? 0.7 : 0.5, 0, "optimizer",
                                 fmt::format("a typical update changes a weight by {} of its size", number(update))});
    if (at_constant && run.hardly_moved()) sighting.severity = Severity::warning;
  } else if (update > kLargeStep || run.peak_update().value > kOvershot) {
    sighting.suspects.push_back({Cause::learning_rate_too_high, 0.7, 0, "optimizer",
                                 fmt::format("relative updates of the weights are {}, at most {}", number(update),
                                             number(run.peak_update().value))});
    if (at_constant) sighting.severity = Severity::warning;
  } else {
    // Not to be told apart from here; a run at a tenth of the rate would tell.
    sighting.suspects.push_back(
        {Cause::learning_rate_too_high, 0.45, 0, "optimizer",
         fmt::format("relative updates of the weights are {}; a few steps at a tenth of the rate would tell",
                     number(update))});
  }
  seen.push_back(std::move(sighting));
}

void LossCourseAnalyzer::slow(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const LossHistory& loss = run.loss();
  if (loss.count() < kPatience || run.several_losses() || run.closures() || run.reading().kind == LossKind::unknown)
    return;
  const double start = run.starting_level();
  if (!(start > 0) || loss.improved_from(start, kLittle)) return;
  const Trend trend = loss.long_trend();
  const double steps = static_cast<double>(step.number() + 1);
  if (trend.falling() < 0.99 || -trend.slope * steps < kWorthIt * std::abs(trend.level)) return;
  Sighting sighting;
  sighting.sign = Sign::loss_slow;
  sighting.severity = Severity::advice;
  sighting.revocable = true;
  sighting.part = "loss";
  sighting.site = step.loss_site();
  sighting.phase = Phase::loss;
  sighting.step = step.number();
  sighting.message = fmt::format("the loss falls, but slowly: from {} to {} in {} steps", number(start),
                                 number(loss.trimmed_level(50)), loss.count());
  sighting.useless = stays_at(constant_answer_loss(run), loss);
  sighting.suspects.push_back(
      {Cause::learning_rate_too_low, 0.5, 0, "optimizer",
       fmt::format("a typical update changes a weight by {} of its size", number(run.typical_update()))});
  sighting.suspects.push_back({Cause::too_few_epochs, 0.45, 0, "loop", sighting.message});
  seen.push_back(std::move(sighting));
}

void LossCourseAnalyzer::oscillating(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const LossHistory& loss = run.loss();
  const auto& recent = loss.recent();
  if (recent.size() < LossHistory::kRecent || run.several_losses() || run.closures()) return;
  const double level = loss.level(LossHistory::kRecent);
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < recent.size(); ++i) {
    const double here = recent[i].value - level;
    squares += here * here;
    if (i > 0) products += here * (recent[i - 1].value - level);
  }
  const double correlation = squares > 0 ? products / squares : 0;
  const double swing = std::sqrt(squares / static_cast<double>(recent.size()));
  if (correlation > -0.5 || !(swing > 0.2 * std::abs(level)) || !(run.typical_update() > kLargeStep)) return;
  Sighting sighting;
  sighting.sign = Sign::loss_oscillating;
  sighting.severity = Severity::advice;
  sighting.part = "loss";
  sighting.site = step.loss_site();
  sighting.phase = Phase::loss;
  sighting.step = step.number();
  sighting.message = fmt::format("the loss swings by {} about {} from step to step (correlation of neighbours {})",
                                 number(swing), number(level), number(correlation));
  sighting.suspects.push_back({Cause::learning_rate_too_high, 0.6, 0, "optimizer", sighting.message});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
