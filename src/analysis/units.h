// Units: dead, saturated or identical ones.
#pragma once

#include <cstdint>
#include <map>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Units of a rectifier that are zero for every sample of every observed step. A few are normal, and so are many zeros; a
// layer of them is not. Their life tells the cause: silent from the first step, all in one step, or one after another.
class DeadUnitsAnalyzer final : public Analyzer {
 public:
  static constexpr double kMost = 0.9;          // share of dead units that hurts
  static constexpr int kSteps = 8;              // observed steps in a row
  static constexpr double kValuesPerUnit = 64;  // zeros seen of each unit before it is called dead

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  struct Life {
    double born_silent = -1;   // share of silent units when first seen
    int steps = 0;             // observed steps in a row with more than kMost silent
    double values = 0;         // zeros seen of each unit since
    std::uint64_t since = 0;   // step at which that began
    double before = 0;         // share of silent units on the observed step before
    double update_before = 0;  // typical relative update then
  };
  std::map<std::uint32_t, Life> lives_;
};

// Hidden saturating activations that spend most of their elements where the slope is below a hundredth of its maximum.
class SaturationAnalyzer final : public Analyzer {
 public:
  static constexpr double kMost = 0.6;
  static constexpr std::size_t kSamples = 5;

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  std::map<std::uint32_t, Series> beyond_;
};

// Units of a layer that compute the same and get the same gradient: no step can ever tell them apart.
class IdenticalUnitsAnalyzer final : public Analyzer {
 public:
  static constexpr int kSteps = 4;  // observed steps in a row; a layer that starts at zero and moves breaks it at once

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  struct State {
    int steps = 0;
    std::uint64_t moving = 0;  // Run::moving_passes() when it began
  };
  std::map<std::uint32_t, State> states_;
};

}  // namespace sonde::analysis
