#include "analysis/stall.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sonde::analysis {
namespace {

void add_suspects(Sighting& sighting, const Metric::Point& best, const Run& run) {
  const double rate = run.learning_rate();
  const double update = run.typical_update();
  if (rate < 1e-2 * best.learning_rate) {
    sighting.suspects.push_back(
        {Cause::learning_rate_too_low, 0.7, 0, "optimizer",
         fmt::format("the rate has come down from {} to {}", number(best.learning_rate), number(rate))});
    return;
  }
  const bool large = update > 0.01;
  const bool small = update < 1e-4;
  const std::string evidence = fmt::format("a typical update changes a weight by {} of its size", number(update));
  sighting.suspects.push_back(
      {Cause::learning_rate_too_high, large ? 0.6 : 0.4, 0, "optimizer", evidence,
       fmt::format("go back to the weights of step {} and on with a lower learning rate", best.step)});
  if (!large) sighting.suspects.push_back({Cause::learning_rate_too_low, small ? 0.5 : 0.3, 0, "optimizer", evidence});
}

}  // namespace

void StallAnalyzer::evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) {
  if (!metric.judged() || run.several_losses() || run.closures()) return;
  const auto course = course_of(metric);
  if (!course || course->since_best() < kPoints || course->late < kMoves) return;
  const Metric::Point& best = metric.points()[course->best];
  const std::uint64_t now = metric.points().back().step;
  const bool long_ago = 3 * (now - best.step) >= now;
  const bool far = course->lost() > std::max(kDeviations * course->noise, kLost * course->gain());
  const LossHistory& loss = run.loss();
  const double lost = loss.level() - loss.best_level();
  if (!long_ago || !far || !(lost > kDeviations * loss.noise())) return;
  if (!rate_not_raised_since(best, run) || !training_stands_still_since(best, run)) return;
  const double sign = metric.kind().better == Better::lower ? 1 : -1;
  Sighting sighting = sighting_of(Sign::stall, metric, run);
  sighting.message = fmt::format("{} stands at {}, far from its best, {} at step {}, and does not move", shown(metric),
                                 number(sign * course->now), number(sign * course->best_level), best.step);
  sighting.context.push_back(fmt::format("the training loss stands at {}, its best level was {}", number(loss.level()),
                                         number(loss.best_level())));
  add_suspects(sighting, best, run);
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
