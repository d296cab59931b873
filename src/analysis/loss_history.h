// Loss history: the whole course of the loss in bounded memory, and what can be said of it.
//
// Works for losses of any sign and scale. The unit of progress is the noise of the loss itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "analysis/trend.h"

namespace sonde::analysis {

class LossHistory {
 public:
  static constexpr std::size_t kFirst = 10;    // losses that make the initial level
  static constexpr std::size_t kRecent = 100;  // losses kept one by one
  static constexpr std::size_t kBuckets = 128;
  static constexpr std::uint64_t kKept = 64;  // losses a bucket keeps until it is closed

  struct Point {
    std::uint64_t step = 0;
    double value = 0;
  };

  // Values that are not finite are passed over.
  void add(std::uint64_t step, double value);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double first() const noexcept { return first_.empty() ? 0 : first_.front().value; }
  [[nodiscard]] double last() const noexcept { return recent_.empty() ? 0 : recent_.back().value; }
  // Median of the first kFirst losses; of the last `n`; and over the run's buckets the smallest. NaN without losses.
  [[nodiscard]] double initial_level() const noexcept { return initial_level_; }
  [[nodiscard]] double level(std::size_t n = 20) const;
  [[nodiscard]] double best_level() const;
  // The level about `step`, from the coarse history.
  [[nodiscard]] double level_at(std::uint64_t step) const;
  // Mean of the last `n`; NaN without losses.
  [[nodiscard]] double mean(std::size_t n) const;
  // Mean of the last `n` without their largest tenth: for losses that take few values, of which a median would jump.
  [[nodiscard]] double trimmed_level(std::size_t n) const;
  // The deviation of a single loss from its neighbours' course, over the last `n`.
  [[nodiscard]] double noise(std::size_t n = 100) const;
  // Trend of the last `n` losses, one after another; and over the whole run against the step, on the coarse history.
  // Spikes are clipped, not dropped: to drop the largest would make a fall of a growing spread.
  [[nodiscard]] Trend trend(std::size_t n) const;
  [[nodiscard]] Trend long_trend() const;

  // True if the loss now lies clearly below `level`: by more than three standard errors, and by more than `share` of it.
  [[nodiscard]] bool improved_from(double level, double share = 0.1) const;
  // The same for the level about `step`.
  [[nodiscard]] bool improved_since(std::uint64_t step, double share = 0.1) const;

  [[nodiscard]] const std::deque<Point>& recent() const noexcept { return recent_; }

 private:
  struct Bucket {
    std::uint64_t first_step = 0;
    std::uint64_t last_step = 0;
    double level = 0;
    std::uint64_t count = 0;
  };

  void close_bucket();
  [[nodiscard]] double spike_limit() const;

  std::uint64_t count_ = 0;
  std::vector<Point> first_;
  double initial_level_ = std::numeric_limits<double>::quiet_NaN();
  std::deque<Point> recent_;
  std::vector<Point> open_;  // of the bucket being filled
  std::uint64_t open_count_ = 0;
  std::uint64_t width_ = 4;  // losses a bucket
  std::vector<Bucket> buckets_;
};

}  // namespace sonde::analysis
