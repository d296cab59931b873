#include "analysis/metric_not_finite.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace sonde::analysis {

void MetricNotFiniteAnalyzer::evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) {
  if (std::isfinite(metric.last())) return;
  Sighting sighting = sighting_of(Sign::metric_not_finite, metric, run);
  sighting.message =
      fmt::format("{} is {} at its evaluation number {}", shown(metric), number(metric.last()), metric.count());
  sighting.suspects.push_back({Cause::division_by_zero, 0.4, 0, "metric", sighting.message,
                               "look at what it is divided by: an empty set, or a class without a sample"});
  sighting.suspects.push_back({Cause::input_non_finite,
                               0.35,
                               0,
                               "data",
                               {},
                               "check what it is computed from: torch::isfinite(batch.data).all()"});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
