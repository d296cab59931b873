#include "command/parting.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/robust.h"

namespace sonde::command {
namespace {

constexpr std::size_t kFewest = 4;  // changes that make an estimate of the noise

// A line in the domain in which it is compared.
class Scaled {
 public:
  Scaled(const Line& line, bool logarithmic) : line_(line) {
    for (const Sample& sample : line.samples) {
      // Exact zeros have no logarithm: they lie below all that a double can tell from zero.
      values_.push_back(!logarithmic       ? sample.value
                        : sample.value > 0 ? std::log(sample.value)
                                           : std::copysign(sample.value == 0 ? kZero : std::nan(""), -1.0));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] const Sample& sample(std::size_t i) const noexcept { return line_.samples[i]; }
  [[nodiscard]] double value(std::size_t i) const noexcept { return values_[i]; }

  // Of the samples before the first that is not finite; zeros, which have no size, do not count.
  [[nodiscard]] double noise() const {
    std::vector<double> changes;
    double before = std::nan("");
    for (std::size_t i = 0; i < values_.size() && !sample(i).non_finite; ++i) {
      if (sample(i).value == 0 || !std::isfinite(values_[i])) continue;
      if (!std::isnan(before)) changes.push_back(values_[i] - before);
      before = values_[i];
    }
    if (changes.size() < kFewest) return std::nan("");
    return analysis::deviation(changes, analysis::median(changes)) / std::sqrt(2.0);
  }

  // The last sample not after `step`; size() if there is none.
  [[nodiscard]] std::size_t at(std::uint64_t step) const {
    const auto after = std::upper_bound(line_.samples.begin(), line_.samples.end(), step,
                                        [](std::uint64_t s, const Sample& sample) { return s < sample.step; });
    return after == line_.samples.begin() ? size() : static_cast<std::size_t>(after - line_.samples.begin()) - 1;
  }

  struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    [[nodiscard]] bool empty() const noexcept { return low > high; }
    void add(double value) {
      if (std::isnan(value)) return;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  };

  // The values about `step`: on the line between its neighbours, and on all samples up to `stretch` times away.
  [[nodiscard]] Range about(std::uint64_t step, double stretch) const {
    Range range;
    const std::size_t before = at(step);
    if (before == size()) return range;
    const auto x = static_cast<double>(step);
    if (sample(before).step == step) {
      range.add(value(before));
    } else if (before + 1 < size()) {
      const auto left = static_cast<double>(sample(before).step);
      const double share = (x - left) / (static_cast<double>(sample(before + 1).step) - left);
      range.add(value(before) + share * (value(before + 1) - value(before)));
    }
    for (std::size_t i = before; i < size() && static_cast<double>(sample(i).step) * stretch >= x; --i) {
      range.add(value(i));
    }
    for (std::size_t i = before + 1; i < size() && static_cast<double>(sample(i).step) <= x * stretch; ++i) {
      range.add(value(i));
    }
    return range;
  }

 private:
  static constexpr double kZero = 745;  // -log of the smallest double
  const Line& line_;
  std::vector<double> values_;
};

// How far `value` lies above (positive) or below (negative) the range.
double beyond(double value, const Scaled::Range& range) {
  return value > range.high ? value - range.high : value < range.low ? value - range.low : 0;
}

bool has_only_sizes(const Line& line) {
  return std::ranges::all_of(line.samples, [](const Sample& sample) { return !(sample.value < 0); });
}

double noise_of(const Scaled& a, const Scaled& b) {
  const double noise_a = a.noise();
  const double noise_b = b.noise();
  const double less = std::isnan(noise_a) ? noise_b : std::isnan(noise_b) ? noise_a : std::min(noise_a, noise_b);
  return std::isnan(less) ? 0 : std::sqrt(2.0) * less;
}

const Sample* first_non_finite(const Line& line) {
  const auto found = std::ranges::find_if(line.samples, &Sample::non_finite);
  return found == line.samples.end() ? nullptr : &*found;
}

// A sample of the line from `step` on, and before `end`; nullptr if there is none.
const Sample* sample_from(const Line& line, std::uint64_t step, std::uint64_t end) {
  const auto found = std::ranges::lower_bound(line.samples, step, {}, &Sample::step);
  return found == line.samples.end() || found->step >= end ? nullptr : &*found;
}

// One run became NaN or infinite, and the other one is known to have been finite then or later.
std::optional<Parting> part_by_non_finite(const Line& a, const Line& b) {
  constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();
  const Sample* in_a = first_non_finite(a);
  const Sample* in_b = first_non_finite(b);
  const std::uint64_t step_a = in_a == nullptr ? kNever : in_a->step;
  const std::uint64_t step_b = in_b == nullptr ? kNever : in_b->step;
  if (step_a < step_b) {
    if (const Sample* other = sample_from(b, step_a, step_b)) {
      return Parting{step_a, std::nan(""), other->value, 0, true, true};
    }
  } else if (step_b < step_a) {
    if (const Sample* other = sample_from(a, step_b, step_a)) {
      return Parting{step_b, other->value, std::nan(""), 0, true, true};
    }
  }
  return std::nullopt;
}

std::optional<Parting> part_by_value(const Line& a, const Line& b, const Tolerance& tolerance) {
  const bool factor = has_only_sizes(a) && has_only_sizes(b);
  const Scaled scaled_a(a, factor);
  const Scaled scaled_b(b, factor);
  const double noise = noise_of(scaled_a, scaled_b);
  const double deviation = std::hypot(noise, factor ? std::sqrt(2.0) * tolerance.reach : 0.0);
  const double limit = factor ? std::max(kLimit * deviation, kLeast) : kLimit * deviation;
  const double stretch = tolerance.same_start ? 1 : kStretch;

  std::size_t in_a_row = 0;
  double side = 0;
  Parting first;
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    const Sample& sample = a.samples[i];
    const std::size_t j = scaled_b.at(sample.step);
    const auto other = scaled_b.about(sample.step, stretch);
    if (sample.step < tolerance.from || std::isnan(scaled_a.value(i)) || j == scaled_b.size() || other.empty())
      continue;
    double gap = beyond(scaled_a.value(i), other);
    if (stretch > 1) {
      // Neither run may be where the other one was a little earlier or later.
      const double back = -beyond(scaled_b.value(j), scaled_a.about(sample.step, stretch));
      gap = gap * back > 0 ? std::copysign(std::min(std::abs(gap), std::abs(back)), gap) : 0;
    }
    if (!(std::abs(gap) > limit)) {
      in_a_row = 0;
      continue;
    }
    if (in_a_row > 0 && gap * side < 0) in_a_row = 0;
    side = gap;
    if (in_a_row++ == 0) first = {sample.step, sample.value, b.samples[j].value, noise, factor, false};
    if (in_a_row >= kPatience) break;
  }
  // At the end of a run there may be no more values to ask.
  return in_a_row > 0 ? std::optional<Parting>(first) : std::nullopt;
}

}  // namespace

std::optional<Parting> part(const Line& a, const Line& b, const Tolerance& tolerance) {
  const auto by_value = part_by_value(a, b, tolerance);
  const auto by_non_finite = part_by_non_finite(a, b);
  if (by_value && by_non_finite) return by_non_finite->step <= by_value->step ? by_non_finite : by_value;
  return by_value ? by_value : by_non_finite;
}

std::optional<std::uint64_t> first_unlike(const Line& a, const Line& b) {
  auto in_a = a.samples.begin();
  auto in_b = b.samples.begin();
  while (in_a != a.samples.end() && in_b != b.samples.end()) {
    if (in_a->step == in_b->step) {
      if (in_a->bits != in_b->bits) return in_a->step;
      ++in_a, ++in_b;
    } else {
      ++(in_a->step < in_b->step ? in_a : in_b);
    }
  }
  return std::nullopt;
}

}  // namespace sonde::command
