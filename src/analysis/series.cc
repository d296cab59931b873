#include "analysis/series.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/robust.h"

namespace sonde::analysis {

double rms(const trace::TensorStats& stats) noexcept {
  return stats.min <= stats.max ? std::sqrt(std::max(0.0, stats.mean_square))
                                : std::numeric_limits<double>::quiet_NaN();
}

double largest(const trace::TensorStats& stats) noexcept {
  return stats.min <= stats.max ? std::max(std::abs(stats.min), std::abs(stats.max)) : 0;
}

bool non_finite(const trace::TensorStats& stats) noexcept {
  return stats.nan != 0 || stats.positive_infinity != 0 || stats.negative_infinity != 0;
}

bool all_zero(const trace::TensorStats& stats) noexcept { return stats.count > 0 && stats.zeros >= stats.count; }

void Series::add(std::uint64_t step, double value) {
  if (!std::isfinite(value)) return;
  if (count_ == 0) first_ = {step, value};
  recent_[count_ % kRecent] = {step, value};
  ++count_;
  if (logs_.size() < kBaseline && value > 0) logs_.push_back(std::log(value));
}

double Series::recent_median(std::size_t n) const {
  std::vector<double> values;
  for (std::size_t i = 0; i < std::min({n, count_, kRecent}); ++i) values.push_back(recent(i).value);
  return median(std::move(values));
}

double Series::baseline() const { return std::exp(median(logs_)); }

double Series::growth(std::size_t n) const {
  const double now = recent_median(n);
  const double then = baseline();
  return now > 0 && then > 0 ? now / then : 1;
}

double Series::score(double value) const {
  if (logs_.empty() || !(value > 0)) return 0;
  const double center = median(logs_);
  return (std::log(value) - center) / std::max(0.1, deviation(logs_, center));
}

namespace {
std::uint64_t key(std::uint32_t site, Phase phase) noexcept {
  return (std::uint64_t{site} << 8) | static_cast<std::uint8_t>(phase);
}
}  // namespace

void SeriesStore::add(std::uint32_t site, Phase phase, std::uint64_t step, double value) {
  const auto found = series_.find(key(site, phase));
  if (found != series_.end()) {
    found->second.add(step, value);
  } else if (series_.size() < kLimit) {
    series_[key(site, phase)].add(step, value);
  }
}

const Series* SeriesStore::find(std::uint32_t site, Phase phase) const {
  const auto found = series_.find(key(site, phase));
  return found == series_.end() || found->second.count() == 0 ? nullptr : &found->second;
}

}  // namespace sonde::analysis
