#include "analysis/trend.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <Eigen/Dense>

#include "analysis/robust.h"

namespace sonde::analysis {

double Trend::falling() const {
  if (n < 3) return 0.5;
  if (error <= 0) return slope < 0 ? 1 : (slope > 0 ? 0 : 0.5);
  return 0.5 * std::erfc(slope / error / std::sqrt(2.0));
}

Trend least_squares(std::span<const double> x, std::span<const double> y) {
  Trend trend;
  trend.n = std::min(x.size(), y.size());
  if (trend.n == 0) return trend;
  const auto n = static_cast<Eigen::Index>(trend.n);
  const Eigen::Map<const Eigen::ArrayXd> xs(x.data(), n);
  const Eigen::Map<const Eigen::ArrayXd> ys(y.data(), n);
  trend.level = ys.mean();
  if (n < 3) return trend;
  const Eigen::ArrayXd dx = xs - xs.mean();
  const Eigen::ArrayXd dy = ys - trend.level;
  const double spread = dx.square().sum();
  if (!(spread > 0)) return trend;
  trend.slope = (dx * dy).sum() / spread;
  const double squares = (dy - trend.slope * dx).square().sum();
  trend.residual = std::sqrt(squares / static_cast<double>(n - 2));
  trend.error = trend.residual / std::sqrt(spread);
  return trend;
}

Trend least_squares_robust(std::span<const double> x, std::span<const double> y) {
  const std::size_t n = std::min(x.size(), y.size());
  const std::size_t drop = n / 10;
  if (drop == 0) return least_squares(x, y);
  std::vector<double> sorted(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(n));
  std::nth_element(sorted.begin(), sorted.end() - static_cast<std::ptrdiff_t>(drop), sorted.end());
  const double limit = sorted[n - drop];
  std::vector<double> kept_x;
  std::vector<double> kept_y;
  for (std::size_t i = 0; i < n; ++i) {
    if (y[i] < limit) {
      kept_x.push_back(x[i]);
      kept_y.push_back(y[i]);
    }
  }
  return kept_x.size() < 3 ? least_squares(x, y) : least_squares(kept_x, kept_y);
}

double theil_sen(std::span<const double> x, std::span<const double> y) {
  std::vector<double> slopes;
  const std::size_t n = std::min(x.size(), y.size());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      if (x[j] != x[i]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
    }
  }
  const double slope = median(std::move(slopes));
  return std::isnan(slope) ? 0 : slope;
}

}  // namespace sonde::analysis
