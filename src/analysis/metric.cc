#include "analysis/metric.h"

#include <cmath>
#include <limits>
#include <utility>

#include "analysis/metric_kind.h"
#include "analysis/trend.h"

namespace sonde::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kEarly = 6;     // evaluations in which a network learns, and again twice as many
constexpr double kCertainCourse = 2;  // of their Mann-Kendall score

}  // namespace

Metric::Metric(std::uint32_t site, std::string name, MetricOptions told)
    : site_(site),
      name_(std::move(name)),
      kind_(kind_of(name_, told)),
      first_(kNone),
      last_(kNone),
      least_{kNone, 0},
      greatest_{kNone, 0} {}

bool Metric::add(std::uint64_t step, double value, double learning_rate) {
  if (count_++ == 0) first_ = value;
  last_ = value;
  if (!std::isfinite(value)) {
    ++non_finite_;
    return false;
  }
  if (!(value >= least_.value)) least_ = {value, step};
  if (!(value <= greatest_.value)) greatest_ = {value, step};
  open_ = {step, open_.value + value, learning_rate};
  if (++open_count_ < width_) return false;
  points_.push_back({step, open_.value / static_cast<double>(open_count_), learning_rate});
  open_ = {};
  open_count_ = 0;
  if (points_.size() == kPoints) {
    for (std::size_t i = 0; i < kPoints / 2; ++i) {
      const Point& a = points_[2 * i];
      const Point& b = points_[2 * i + 1];
      points_[i] = {b.step, (a.value + b.value) / 2, b.learning_rate};
    }
    points_.resize(kPoints / 2);
    width_ *= 2;
  }
  infer_direction();
  return true;
}

Metric::Best Metric::best() const noexcept {
  if (kind_.better == Better::inferred) return {kNone, 0};
  return kind_.better == Better::lower ? least_ : greatest_;
}

void Metric::infer_direction() {
  const bool now = points_.size() == kEarly || points_.size() == 2 * kEarly;
  if (!now || width_ != 1 || kind_.better != Better::inferred || kind_.split != Split::validation) return;
  std::vector<double> values;
  for (const Point& point : points_) values.push_back(point.value);
  const double score = mann_kendall(values);
  if (std::abs(score) > kCertainCourse) kind_.better = score < 0 ? Better::lower : Better::higher;
}

}  // namespace sonde::analysis
