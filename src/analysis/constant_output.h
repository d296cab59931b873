// An output that the input no longer reaches. What the operations alone tell of the output is a matter of rules.
#pragma once

#include "analysis/analyzer.h"

namespace sonde::analysis {

// An output that is the same for every sample while the target varies and the loss does not fall.
class ConstantOutputAnalyzer final : public Analyzer {
 public:
  static constexpr int kSteps = 10;  // observed steps in a row

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  int constant_ = 0;
};

}  // namespace sonde::analysis
