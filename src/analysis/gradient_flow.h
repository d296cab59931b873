// Gradient flow: gradients that fade, stop or grow on their way from the loss to the first layer.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Measured on each observed step, judged on medians over several, and only while the loss does not fall: gradients of a
// network that has converged are small everywhere, which is success.
//
// Along the path that passes most gradient, the attenuation of an activation is RMS(gradient at its input) over
// RMS(gradient at its output). Their product tells fading through activations from fading through the weights between
// them, which is an initialisation that is too small.
class GradientFlowAnalyzer final : public Analyzer {
 public:
  // Below this the product over the activations counts as vanishing: a step that moves the last layer by its own size
  // moves the first by less than a thousandth of it (reference: product over depth under 1e-3).
  static constexpr double kVanished = 1e-3;
  static constexpr double kGone =
      1e-6;  // ... and below this the first layers cannot have learnt, whatever the loss does
  static constexpr double kDecayed = 0.1;   // share of its size that a weight has kept
  static constexpr double kFaded = 1e-5;    // the same for activations and weights together
  static constexpr double kGrown = 1e3;     // gradient at the first layer over that at the prediction
  static constexpr double kExploded = 100;  // gradient norm over its own baseline
  static constexpr std::size_t kSamples = 5;

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  void flow(const Step& step, const Run& run, std::vector<Sighting>& seen);
  void growth(const Step& step, const Run& run, std::vector<Sighting>& seen);

  std::map<std::uint32_t, Series> attenuation_;  // by activation
  Series activations_;                           // product over the activations of the path
  Series total_;                                 // first layer over prediction
  Series norm_;                                  // of all parameter gradients
};

// Where the gradient stops: an operation whose output still gets a gradient while its operand gets exactly zero.
class GradientStopAnalyzer final : public Analyzer {
 public:
  static constexpr int kSteps = 8;  // observed steps in a row

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  std::map<std::uint32_t, int> stopped_;  // observed steps in a row, by operation
  int silent_ = 0;                        // observed steps in a row with no gradient at all
};

}  // namespace sonde::analysis
