#include "analysis/timeline_bins.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace sonde::analysis {
namespace {

std::uint16_t capped_sum(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(std::uint32_t{a} + b, std::numeric_limits<std::uint16_t>::max()));
}

// fmin and fmax pass over a NaN if the other is a number.
TimelineBin merged(const TimelineBin& earlier, const TimelineBin& later) {
  TimelineBin bin;
  bin.last = std::isnan(later.last) ? earlier.last : later.last;
  bin.min = std::fmin(earlier.min, later.min);
  bin.max = std::fmax(earlier.max, later.max);
  bin.samples = capped_sum(earlier.samples, later.samples);
  bin.non_finite = capped_sum(earlier.non_finite, later.non_finite);
  return bin;
}

}  // namespace

void add_sample(TimelineSeries& series, std::size_t index, double value, bool non_finite) {
  if (index >= series.size()) {
    // Twice as many at a time, but never beyond the next power of two: the most bins there may be is one.
    if (index >= series.capacity()) series.reserve(std::bit_ceil(std::max<std::size_t>(index + 1, 8)));
    series.resize(index + 1);
  }
  TimelineBin one;
  one.samples = 1;
  one.non_finite = non_finite || !std::isfinite(value) ? 1 : 0;
  if (std::isfinite(value)) {
    constexpr double kMost = std::numeric_limits<float>::max();
    one.last = one.min = one.max = static_cast<float>(std::clamp(value, -kMost, kMost));
  }
  series[index] = merged(series[index], one);
}

void merge_neighbours(TimelineSeries& series) {
  const std::size_t bins = (series.size() + 1) / 2;
  for (std::size_t i = 0; i < bins; ++i) {
    series[i] = 2 * i + 1 < series.size() ? merged(series[2 * i], series[2 * i + 1]) : series[2 * i];
  }
  series.resize(bins);
  series.shrink_to_fit();
}

void CurveBuilder::add(std::uint64_t step, double value) {
  while (step / curve_.steps_per_bin >= kBins) {
    merge_neighbours(curve_.bins);
    curve_.steps_per_bin *= 2;
  }
  add_sample(curve_.bins, static_cast<std::size_t>(step / curve_.steps_per_bin), value, false);
}

}  // namespace sonde::analysis
