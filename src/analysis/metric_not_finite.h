// Metric not finite: a NaN or an infinity among the user's own numbers.
#pragma once

#include <vector>

#include "analysis/metric_analyzer.h"

namespace sonde::analysis {

// Advice, once for each metric: the training need not suffer, but a best value can no longer be found by comparing, and
// validation data or the way the metric is computed deserve a look. Follows from non-finite values in the training, if
// there were any before.
class MetricNotFiniteAnalyzer final : public MetricAnalyzer {
 public:
  void evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
