#include "analysis/over_training.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace sonde::analysis {

void OverTrainingAnalyzer::evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) {
  if (!metric.judged() || run.several_losses() || run.closures()) return;
  const auto course = course_of(metric);
  if (!course || course->since_reached() < kPoints || course->gain() <= kLearnt * course->noise) return;
  const Metric::Point& reached = metric.points()[course->reached];
  const bool long_ago = metric.points().back().step >= 2 * reached.step;
  const bool flat = std::abs(course->late) < kMoves && course->lost() <= 3 * course->noise;
  if (!long_ago || !flat || !rate_not_raised_since(reached, run) || !training_stands_still_since(reached, run)) return;
  Sighting sighting = sighting_of(Sign::over_training, metric, run);
  sighting.message = fmt::format("{} reached {} at step {}; {} evaluations since then have brought nothing",
                                 shown(metric), number(reached.value), reached.step, course->since_reached());
  sighting.context.push_back(fmt::format("the training loss stands at {}", number(run.loss().trimmed_level(50))));
  sighting.suspects.push_back(
      {Cause::unknown, 0.5, 0, "loop", sighting.message,
       fmt::format("stop about step {} (early stopping), or lower the learning rate there", reached.step)});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
