// Scales of what comes from outside: inputs and targets.
#pragma once

#include <cstdint>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// An input far from unit scale is a habit worth knowing (advice); it becomes the origin of an incident when harm follows,
// because then it explains it. Not for integers that index an embedding, nor where normalisation comes first.
class InputScaleAnalyzer final : public Analyzer {
 public:
  static constexpr double kLarge = 10;     // RMS of the input
  static constexpr double kOffCentre = 5;  // |mean| over deviation, for means above kOffset
  static constexpr double kOffset = 3;
  static constexpr double kSmall = 1e-3;  // RMS of the input

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

// Targets of a regression that the predictions are nowhere near after many steps.
class TargetScaleAnalyzer final : public Analyzer {
 public:
  static constexpr double kLarge = 30;             // RMS of the target, for advice
  static constexpr double kOutOfReach = 0.1;       // RMS of the prediction over that of the target
  static constexpr std::uint64_t kPatience = 100;  // passes

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
