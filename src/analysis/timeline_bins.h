// Bins of a timeline: measurements over steps in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sonde/timeline.h>

namespace sonde::analysis {

// Adds a measurement to bin `index`, which may be any beyond the end. Counts it as not finite if asked to, or if `value`
// is not.
void add_sample(TimelineSeries& series, std::size_t index, double value, bool non_finite);

// Bins 2 i and 2 i + 1 become bin i. Gives memory that is no longer needed back.
void merge_neighbours(TimelineSeries& series);

// A curve with a grid of its own.
class CurveBuilder {
 public:
  static constexpr std::size_t kBins = 1024;

  void add(std::uint64_t step, double value);
  [[nodiscard]] const TimelineCurve& curve() const noexcept { return curve_; }
  [[nodiscard]] TimelineCurve& curve() noexcept { return curve_; }

 private:
  TimelineCurve curve_;
};

}  // namespace sonde::analysis
