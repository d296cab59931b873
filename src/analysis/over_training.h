// Over-training: the run is over, but goes on.
#pragma once

#include <vector>

#include "analysis/metric_analyzer.h"

namespace sonde::analysis {

// A validation metric reached its best level long ago, at least as many steps as it took to get there, and neither it nor
// the training loss has moved since. Nothing is broken (advice): the time is.
class OverTrainingAnalyzer final : public MetricAnalyzer {
 public:
  static constexpr std::size_t kPoints = 15;  // since the level was reached
  static constexpr double kMoves = 2;         // Mann-Kendall score that is a movement
  static constexpr double kLearnt = 5;        // deviations of the metric's noise that it must have gained before

  void evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
