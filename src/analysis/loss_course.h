// The course of the loss: diverging, stuck, oscillating.
#pragma once

#include <cstdint>

#include "analysis/analyzer.h"
#include "analysis/loss_history.h"

namespace sonde::analysis {

// Losses of healthy programs spike to 66 times their median for one step, rise for ever in a GAN and wander in
// reinforcement learning. So levels are medians, a rise counts only together with steps that are too large, and a loss that
// does not fall is only a hint (advice) unless something else shows why, or it stays where a constant answer would put it.
class LossCourseAnalyzer final : public Analyzer {
 public:
  static constexpr double kDiverged = 3;           // level over the initial level, with large steps
  static constexpr double kThrownAway = 30;        // level over the initial level that is no transient
  static constexpr double kLargeStep = 0.05;       // relative update that counts as large
  static constexpr double kLittle = 0.3;           // a fall of less than this share of the start is slow
  static constexpr std::uint64_t kEarliest = 10;   // losses before anything is said
  static constexpr std::uint64_t kPatience = 150;  // losses before a loss is called stuck
  static constexpr std::uint64_t kLong = 300;      // losses at the level of a constant answer that are a warning
  static constexpr double kOvershot = 0.3;         // relative update that throws away what was learnt
  static constexpr double kConfidence = 0.95;      // wanted of "it falls" for a loss not to be stuck
  static constexpr double kWorthIt = 0.01;  // share of its level that it must promise to fall in as many steps again

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  // Losses until the slow signs are looked for again: on short steps the analysis would cost as much as all else.
  static constexpr std::uint64_t kSoonest = 10, kLatest = LossHistory::kRecent / 2;

  std::uint64_t due_ = 0;  // by the number of losses

  void diverging(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
  void stuck(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
  void slow(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
  void oscillating(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
};

}  // namespace sonde::analysis
