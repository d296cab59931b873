// Metric analyzer: the interface of the checks that look at the user's numbers, and what they have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "analysis/analyzer.h"
#include "analysis/metric.h"
#include "analysis/metric_course.h"

namespace sonde::analysis {

class MetricAnalyzer {
 public:
  virtual ~MetricAnalyzer() = default;
  // Called when `metric` has a new point, and when it was not finite; `run` has taken it in. Appends what is seen.
  virtual void evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) = 0;
};

// All of them, in the order in which they are called.
[[nodiscard]] std::vector<std::unique_ptr<MetricAnalyzer>> make_metric_analyzers();

// Advice about this metric, as of its last point.
[[nodiscard]] Sighting sighting_of(Sign sign, const Metric& metric, const Run& run);
// "val_loss" as sentences show it: not longer than a line takes.
[[nodiscard]] std::string shown(const Metric& metric);
// The rate is what it was at that point, or has come down since: no warm-up, no restart.
[[nodiscard]] bool rate_not_raised_since(const Metric::Point& point, const Run& run);
// The loss stands still: it has not improved by a twentieth since that point, and its last hundred values do not fall.
[[nodiscard]] bool training_stands_still_since(const Metric::Point& point, const Run& run);

}  // namespace sonde::analysis
