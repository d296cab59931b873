#include "probes/statistics_finish.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sonde::probes {
namespace {

constexpr double kGreatest = std::numeric_limits<double>::max();

double saturate(double value) { return std::clamp(value, -kGreatest, kGreatest); }

}  // namespace

trace::TensorStats no_stats() {
  trace::TensorStats stats;
  stats.aux = std::numeric_limits<double>::quiet_NaN();
  stats.min = std::numeric_limits<double>::infinity();
  stats.max = -stats.min;
  return stats;
}

void finish(const Totals& totals, std::uint64_t elements, std::uint64_t repeat, trace::TensorStats& stats) {
  stats.count = elements;
  stats.nan = totals.nan * repeat;
  stats.positive_infinity = totals.positive_infinity * repeat;
  stats.negative_infinity = totals.negative_infinity * repeat;
  stats.zeros = totals.zeros * repeat;
  stats.min = totals.min;
  stats.max = totals.max;
  const std::uint64_t finite = elements / repeat - totals.non_finite();
  if (finite == 0) return;
  const auto divisor = static_cast<double>(finite);
  const double sum = std::isnan(totals.sum) ? 0 : totals.sum;  // doubles that overflowed on both sides
  stats.mean = std::clamp(sum / divisor, totals.min, totals.max);
  stats.mean_square = saturate(totals.sum_squares / divisor);
  stats.beyond = static_cast<float>(static_cast<double>(totals.beyond) / divisor);
}

void finish_units(std::span<float> maxima, std::span<std::uint8_t> alive, trace::TensorStats& stats) {
  std::uint8_t* const marks = alive.size() >= maxima.size() ? alive.data() : nullptr;
  const auto summary = unit_kernel_for(ScalarType::float32).summarize(maxima.data(), maxima.size(), marks);
  stats.units = static_cast<std::uint32_t>(maxima.size());
  stats.silent_units = summary.silent;
  stats.aux = summary.spread;
}

}  // namespace sonde::probes
