#include "analysis/over_fitting.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sonde::analysis {
namespace {

using trace::OpClass;
using Bound = OverFittingAnalyzer::Bound;

bool beyond(const Bound& bound, const MetricCourse& course, std::uint64_t best_step, const Run& run) {
  const double lost = std::max(bound.deviations * course.noise, bound.share * course.gain());
  return course.since_best() >= bound.points && course.worsening > bound.score && course.lost() > lost &&
         run.loss().improved_since(best_step, bound.fall);
}

// Another validation metric that stands where it was best.
const Metric* contradicts(const Metric& metric, const Run& run) {
  for (const auto& [site, other] : run.metrics()) {
    if (site == metric.site() || !other.judged()) continue;
    const auto course = course_of(other);
    if (course && course->holds()) return &other;
  }
  return nullptr;
}

bool has(const Run& run, OpClass op_class) {
  for (std::uint32_t id = 1; id < run.graph().size(); ++id) {
    if (run.graph().site(id).op_class == op_class) return true;
  }
  return false;
}

void add_suspects(Sighting& sighting, const Metric& metric, std::uint64_t best_step, const Run& run) {
  const std::int64_t rows = run.data_rows();
  const std::uint64_t parameters = run.program().parameters;
  const bool small = rows > 0 && parameters > static_cast<std::uint64_t>(rows);
  sighting.suspects.push_back(
      {Cause::too_little_data, small ? 0.75 : 0.6, 0, "data",
       small ? fmt::format("{} parameters learn from {} rows", parameters, rows) : sighting.message,
       fmt::format(
           "stop at step {}, where {} was best, and keep those weights; more data or augmentation moves that step",
           best_step, shown(metric))});
  if (!has(run, OpClass::dropout)) {
    sighting.suspects.push_back({Cause::missing_dropout, 0.45, 0, "model", "no dropout between the layers",
                                 "dropout before the last layers, or a smaller network"});
  }
  const auto& groups = run.program().groups;
  const bool decays = std::ranges::any_of(groups, [](const OptimizerGroup& group) { return group.weight_decay > 0; });
  if (!groups.empty() && !decays) {
    sighting.suspects.push_back({Cause::optimizer_settings, 0.3, 0, "optimizer", "no weight decay",
                                 "weight decay (AdamW with 0.01, SGD with 1e-4) keeps the weights small"});
  }
}

}  // namespace

void OverFittingAnalyzer::evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) {
  if (!metric.judged() || run.several_losses() || run.closures()) return;
  const auto course = course_of(metric);
  if (!course) return;
  const std::uint64_t best_step = metric.points()[course->best].step;
  Sighting sighting = sighting_of(Sign::over_fitting, metric, run);
  if (!beyond(kLikely, *course, best_step, run)) {
    if (beyond(kStill, *course, best_step, run) || told_.erase(metric.site()) == 0) return;
    sighting.withdrawn = true;
    seen.push_back(std::move(sighting));
    return;
  }
  told_.insert(metric.site());
  const Metric* other = contradicts(metric, run);
  const bool learnt = course->best > 0 && course->gain() > 3 * course->noise;
  const bool certain = course->steadily && beyond(kCertain, *course, best_step, run);
  if (learnt && other == nullptr && certain) sighting.severity = Severity::warning;
  const double sign = metric.kind().better == Better::lower ? 1 : -1;
  sighting.message =
      fmt::format("{} was best at step {} ({}) and has got worse since, to {} in {} evaluations", shown(metric),
                  best_step, number(sign * course->best_level), number(sign * course->now), course->since_best());
  sighting.context.push_back(fmt::format("meanwhile the training loss fell from {} to {}",
                                         number(run.loss().level_at(best_step)), number(run.loss().trimmed_level(50))));
  if (other != nullptr) sighting.context.push_back(fmt::format("{} stands where it was best", shown(*other)));
  add_suspects(sighting, metric, best_step, run);
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
