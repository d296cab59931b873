// Series: the root mean square of one tensor role in one place over steps, in bounded memory.
//
// A series keeps a baseline (median and deviation of the logarithm over its first samples) and the last few samples;
// never its history. Samples are those of observed steps, so they are not evenly spaced: each carries its step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <sonde/finding.h>

#include "trace/record.h"

namespace sonde::analysis {

// Of the finite elements; NaN if there are none.
[[nodiscard]] double rms(const trace::TensorStats& stats) noexcept;
// The largest absolute value of the finite elements; 0 if there are none.
[[nodiscard]] double largest(const trace::TensorStats& stats) noexcept;
[[nodiscard]] bool non_finite(const trace::TensorStats& stats) noexcept;
// True if there are elements and every one is exactly zero.
[[nodiscard]] bool all_zero(const trace::TensorStats& stats) noexcept;

class Series {
 public:
  static constexpr std::size_t kBaseline = 20;  // samples that make the baseline: the steps that are always observed
  static constexpr std::size_t kRecent = 16;

  struct Sample {
    std::uint64_t step = 0;
    double value = 0;
  };

  // Values that are not finite are passed over.
  void add(std::uint64_t step, double value);

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const Sample& first() const noexcept { return first_; }
  [[nodiscard]] const Sample& last() const noexcept { return recent(0); }
  // The i-th latest sample, 0 the last. REQUIRES: i < min(count(), kRecent).
  [[nodiscard]] const Sample& recent(std::size_t i) const noexcept {
    return recent_[(count_ + kRecent - 1 - i) % kRecent];
  }
  // Median of the last `n` samples, fewer if there are fewer; NaN without any.
  [[nodiscard]] double recent_median(std::size_t n) const;

  // Median of the baseline samples, NaN without any; zeros do not count (their logarithm is no number).
  [[nodiscard]] double baseline() const;
  // How many times its baseline the median of the last `n` samples is; 1 if one of them is unknown.
  [[nodiscard]] double growth(std::size_t n = 1) const;
  // How many baseline deviations (of the logarithm, at least a tenth) `value` lies above the baseline.
  [[nodiscard]] double score(double value) const;

 private:
  std::size_t count_ = 0;
  Sample first_;
  std::array<Sample, kRecent> recent_{};
  std::vector<double> logs_;  // at most kBaseline
};

// All series of a run, at most kLimit of them; later ones are not kept.
class SeriesStore {
 public:
  static constexpr std::size_t kLimit = 1 << 16;

  void add(std::uint32_t site, Phase phase, std::uint64_t step, double value);
  // nullptr if there is no such series.
  [[nodiscard]] const Series* find(std::uint32_t site, Phase phase) const;

 private:
  std::unordered_map<std::uint64_t, Series> series_;
};

}  // namespace sonde::analysis
