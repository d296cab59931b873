// Sizes: steps and activations that are too large or too small for the network.
#pragma once

#include <cstdint>
#include <map>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// RMS of the update over RMS of the weight, the median over all weight matrices: a rate that is too high (low) shows in
// all layers at once, vanishing or exploding gradients in some.
class UpdateSizeAnalyzer final : public Analyzer {
 public:
  static constexpr double kLarge = 0.1;
  static constexpr double kSmall = 5e-4;
  static constexpr std::uint64_t kPatience = 100;  // losses before a small update is worth a word
  static constexpr std::size_t kSamples = 10;

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

// Outputs of hidden layers that are enormous from the start, or grow for ever.
class ActivationSizeAnalyzer final : public Analyzer {
 public:
  static constexpr double kHuge = 1e3;   // RMS over that of the input, or over 1
  static constexpr double kGrown = 100;  // RMS over its baseline
  static constexpr std::size_t kSamples = 3;

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
