// Over-fitting: the network gets better at what it is trained on and worse at what it is not.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "analysis/metric_analyzer.h"

namespace sonde::analysis {

// A validation metric gets worse, beyond its own noise and evaluation after evaluation, while the training loss goes on
// falling. Advice, and a warning only where nothing speaks against it: the metric had learnt something and has lost a
// third of it again, and no other validation metric stands where it was best (a cross entropy may rise while the accuracy
// does, too). Taken back when the metric comes back: a second descent, a restart.
class OverFittingAnalyzer final : public MetricAnalyzer {
 public:
  struct Bound {
    std::size_t points;  // after the best one
    double score;        // Mann-Kendall, of these
    double deviations;   // of the metric's noise that it has lost
    double share;        // of what it had gained in the run, lost again
    double fall;         // share of the training loss that went meanwhile
  };
  static constexpr Bound kLikely{7, 2.6, 3, 0.1, 0.05};
  static constexpr Bound kCertain{10, 3, 4, 0.33, 0.1};
  static constexpr Bound kStill{7, 1, 2, 0.05, 0.05};  // below this it is taken back

  void evaluated(const Metric& metric, const Run& run, std::vector<Sighting>& seen) override;

 private:
  std::set<std::uint32_t> told_;  // of these metrics
};

}  // namespace sonde::analysis
