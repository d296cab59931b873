#include "analysis/trend.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Dense>

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

double mann_kendall(std::span<const double> values) {
  if (values.size() < 3) return 0;
  double score = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      score += (values[j] > values[i] ? 1 : 0) - (values[j] < values[i] ? 1 : 0);
    }
  }
  const auto weight = [](double count) { return count * (count - 1) * (2 * count + 5); };
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  double variance = weight(static_cast<double>(sorted.size()));
  for (auto tie = sorted.begin(); tie != sorted.end();) {
    const auto end = std::upper_bound(tie, sorted.end(), *tie);
    variance -= weight(static_cast<double>(end - tie));
    tie = end;
  }
  variance /= 18;
  if (!(variance > 0) || score == 0) return 0;
  return (score - (score > 0 ? 1 : -1)) / std::sqrt(variance);
}

}  // namespace sonde::analysis
