// Stall: the run has lost what it once had, and does not get it back.
#pragma once

#include <vector>

#include "analysis/metric_analyzer.h"

namespace sonde::analysis {

// A validation metric is far worse than at its best, which lies long ago, the training loss is above its best level, too, and
// neither moves. Advice: reinforcement learning and changed tasks look alike.
class StallAnalyzer final : public MetricAnalyzer {
 public:
  static constexpr std::size_t kPoints = 10;  // since the best
  static constexpr double kLost = 0.25;       // share of what was gained
  static constexpr double kDeviations = 3;    // of the noise, for metric and loss
  static constexpr double kMoves = -1;        // Mann-Kendall score below which the last points get better

  void evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
