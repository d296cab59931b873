// Trends: is this series falling or rising, and how sure is that?
//
// Least squares as in dlib's count_steps_without_decrease (D. King): the slope's sampling distribution gives the
// probability that the series falls.
#pragma once

#include <cstddef>
#include <span>

namespace sonde::analysis {

struct Trend {
  std::size_t n = 0;
  double slope = 0;     // per unit of x
  double error = 0;     // standard error of the slope
  double level = 0;     // mean of y
  double residual = 0;  // standard deviation of y about the line

  // Probability that the true slope is below (above) zero; 0.5 where nothing is known.
  [[nodiscard]] double falling() const;
  [[nodiscard]] double rising() const { return n < 3 ? 0.5 : 1 - falling(); }
};

// REQUIRES: x and y of equal length, finite. Fewer than three points give a trend that knows nothing.
[[nodiscard]] Trend least_squares(std::span<const double> x, std::span<const double> y);

// Standard score of the Mann-Kendall test with its correction for ties: does the series rise (positive) or fall, whatever
// the form of its course and of its noise? 0 for fewer than three values or none but equal ones. Quadratic in their number.
// Mann 1945, Kendall 1975.
[[nodiscard]] double mann_kendall(std::span<const double> values);

}  // namespace sonde::analysis
