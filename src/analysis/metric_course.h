// Metric course: what a metric has done since it was best, in units of its own noise.
//
// All levels are medians and all trends ranks, so neither the unit nor the scale of the metric matters, nor one lucky
// evaluation. Values are turned so that lower is better, whatever the metric is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "analysis/metric.h"

namespace sonde::analysis {

struct MetricCourse {
  static constexpr std::size_t kEnough = 6;  // points before anything is said

  std::size_t points = 0;
  std::size_t best = 0;     // index of the best point: where the median of three neighbours is least
  double best_level = 0;    // that median
  double start_level = 0;   // the median of the first three
  double now = 0;           // the median of the last three
  double noise = 0;         // deviation of a single point from the course of its neighbours
  double worsening = 0;     // Mann-Kendall score of the points after the best: positive if they get worse
  bool steadily = false;    // the medians of five equal parts of these points are each worse than the one before
  double late = 0;          // the same of the last kLate points
  std::size_t reached = 0;  // index of the first point that the best does not beat by more than two deviations

  static constexpr std::size_t kLate = 10;

  [[nodiscard]] std::size_t since_best() const noexcept { return points - 1 - best; }
  [[nodiscard]] std::size_t since_reached() const noexcept { return points - 1 - reached; }
  [[nodiscard]] double gain() const noexcept { return start_level - best_level; }  // of the whole run
  [[nodiscard]] double lost() const noexcept { return now - best_level; }
  // It stands where it was best, as far as its noise lets that be known.
  [[nodiscard]] bool holds() const noexcept { return since_best() < 3 || lost() <= 2 * noise; }
};

// Nothing for fewer than kEnough points, or where it is not known what is better.
[[nodiscard]] std::optional<MetricCourse> course_of(const Metric& metric);

}  // namespace sonde::analysis
