// Non-finite values: where NaN and Inf came from, and why.
#pragma once

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Reports the probe's origin record where there is one, else the first tensor of the step that is not finite, else what
// the sentinel saw. Only values that reach the loss or a gradient count: an infinity that a softmax consumes is legal.
class NonFiniteAnalyzer final : public Analyzer {
 public:
  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
