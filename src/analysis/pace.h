// Pace: is each step worth what its gradient promises, and how long will the rest take?
#pragma once

#include <cstdint>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// The gain ratio r = (L(t+1) - L(t)) / <g(t), D(t)> compares what a step gained with what the gradient promised for its
// length. On a fixed batch r = 1 means that the loss is a straight line over the step, so the step could be far longer.
// Together with a pace at which half of the loss takes thousands of steps, that is a rate that is too low.
class PaceAnalyzer final : public Analyzer {
 public:
  static constexpr double kStraight = 0.1;     // |r - 1|, median over the last samples, and their spread
  static constexpr double kSlow = 1000;        // steps to halve the loss
  static constexpr std::size_t kSamples = 10;  // pairs of neighbouring observed passes

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  bool has_last_ = false;
  std::uint64_t last_pass_ = 0;
  double last_loss_ = 0;
  Series gains_;
  Series falls_;  // share of the loss that a step took off
};

}  // namespace sonde::analysis
