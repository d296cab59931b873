// Metric: the course of a number that the user gives, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sonde/metric.h>

namespace sonde::analysis {

class Metric {
 public:
  static constexpr std::size_t kPoints = 256;  // kept; more evaluations share a point, pairs at first

  struct Point {
    std::uint64_t step = 0;  // of the last evaluation in it
    double value = 0;        // mean of them
    double learning_rate = 0;
  };

  Metric(std::uint32_t site, std::string name, MetricOptions told);

  // True if a point was completed, so that there is something new to judge. Values that are not finite are counted only.
  bool add(std::uint64_t step, double value, double learning_rate);

  [[nodiscard]] std::uint32_t site() const noexcept { return site_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] MetricOptions kind() const noexcept { return kind_; }
  // Of what is never trained on, and known what is better: over-fitting and the like may be judged by it.
  [[nodiscard]] bool judged() const noexcept {
    return kind_.split == Split::validation && kind_.better != Better::inferred;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t non_finite() const noexcept { return non_finite_; }
  [[nodiscard]] double first() const noexcept { return first_; }  // of any kind, NaN before it
  [[nodiscard]] double last() const noexcept { return last_; }
  struct Best {
    double value;  // NaN if there is none
    std::uint64_t step;
  };
  // Of the single evaluations.
  [[nodiscard]] Best best() const noexcept;

  [[nodiscard]] const std::vector<Point>& points() const noexcept { return points_; }

 private:
  void infer_direction();

  const std::uint32_t site_;
  const std::string name_;
  MetricOptions kind_;
  std::uint64_t count_ = 0;
  std::uint64_t non_finite_ = 0;
  double first_;
  double last_;
  Best least_;
  Best greatest_;
  std::vector<Point> points_;
  Point open_;  // the sum of its evaluations so far
  std::uint64_t open_count_ = 0;
  std::uint64_t width_ = 1;  // evaluations a point
};

}  // namespace sonde::analysis
