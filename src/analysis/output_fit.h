// Output and loss: do the last activation, the loss and the target fit each other?
#pragma once

#include <optional>

#include "analysis/analyzer.h"
#include "analysis/loss_reading.h"

namespace sonde::analysis {

// Read from the operations and confirmed by the statistics of the prediction, so it is certain from the first step:
// softmax before cross_entropy, probabilities into nll_loss, a rectifier into a logarithm ...
class LossMatchAnalyzer final : public Analyzer {
 public:
  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

// Targets outside of what the output activation can give.
class OutputRangeAnalyzer final : public Analyzer {
 public:
  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

// An output that is the same for every sample: by construction (softmax over one unit), or because the input no longer
// reaches it.
class ConstantOutputAnalyzer final : public Analyzer {
 public:
  static constexpr int kSteps = 10;  // observed steps in a row

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  int constant_ = 0;
};

}  // namespace sonde::analysis
