#include "analysis/loss_history.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "analysis/robust.h"

namespace sonde::analysis {
namespace {

std::vector<double> values_of(const auto& points, std::size_t from) {
  std::vector<double> values;
  values.reserve(points.size() - std::min(from, points.size()));
  const auto begin = points.begin() + static_cast<std::ptrdiff_t>(std::min(from, points.size()));
  std::transform(begin, points.end(), std::back_inserter(values), [](const auto& point) { return point.value; });
  return values;
}

// Drops the largest tenth; the order of the rest is not said.
void drop_largest_tenth(std::vector<double>& values) {
  const auto keep = values.size() - values.size() / 10;
  if (keep < values.size()) std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(keep));
  values.resize(keep);
}

}  // namespace

void LossHistory::add(std::uint64_t step, double value) {
  if (!std::isfinite(value)) return;
  ++count_;
  const Point point{step, value};
  if (first_.size() < kFirst) {
    first_.push_back(point);
    initial_level_ = median(values_of(first_, 0));
  }
  recent_.push_back(point);
  if (recent_.size() > kRecent) recent_.pop_front();
  // A wide bucket keeps every n-th loss only, so that memory does not grow with the run.
  const std::uint64_t stride = std::max<std::uint64_t>(1, width_ / kKept);
  if (open_count_++ % stride == 0) open_.push_back(point);
  if (open_count_ >= width_) close_bucket();
}

void LossHistory::close_bucket() {
  const double limit = spike_limit();
  double sum = 0;
  for (const Point& point : open_) sum += std::min(point.value, limit);
  buckets_.push_back({open_.front().step, open_.back().step, sum / static_cast<double>(open_.size()), open_count_});
  open_.clear();
  open_count_ = 0;
  if (buckets_.size() < kBuckets) return;
  std::vector<Bucket> merged;
  for (std::size_t i = 0; i + 1 < buckets_.size(); i += 2) {
    const Bucket& a = buckets_[i];
    const Bucket& b = buckets_[i + 1];
    merged.push_back({a.first_step, b.last_step, (a.level + b.level) / 2, a.count + b.count});
  }
  buckets_ = std::move(merged);
  width_ *= 2;
}

double LossHistory::level(std::size_t n) const {
  return median(values_of(recent_, recent_.size() > n ? recent_.size() - n : 0));
}

double LossHistory::best_level() const {
  double best = std::numeric_limits<double>::quiet_NaN();
  for (const Bucket& bucket : buckets_) best = std::isnan(best) ? bucket.level : std::min(best, bucket.level);
  return best;
}

double LossHistory::level_at(std::uint64_t step) const {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i].last_step < step) continue;
    // Three neighbours: a bucket of four noisy losses alone says little.
    std::vector<double> levels;
    for (std::size_t j = i == 0 ? 0 : i - 1; j < std::min(i + 2, buckets_.size()); ++j) {
      levels.push_back(buckets_[j].level);
    }
    return median(std::move(levels));
  }
  return level();
}

double LossHistory::noise(std::size_t n) const {
  // Differences of neighbours do not see a trend; the largest tenth is spikes. Not the median of them: the losses of
  // batches of one sample take few values, and most differences may be zero.
  std::vector<double> differences;
  differences.reserve(n);
  const std::size_t from = recent_.size() > n ? recent_.size() - n : 0;
  for (std::size_t i = from + 1; i < recent_.size(); ++i) {
    differences.push_back(std::abs(recent_[i].value - recent_[i - 1].value));
  }
  if (differences.empty()) return 0;
  drop_largest_tenth(differences);
  double squares = 0;
  for (const double difference : differences) squares += difference * difference;
  return std::sqrt(squares / static_cast<double>(differences.size()) / 2);
}

double LossHistory::spike_limit() const { return level(kRecent) + 6 * noise(); }

Trend LossHistory::trend(std::size_t n) const {
  const double limit = spike_limit();
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = recent_.size() > n ? recent_.size() - n : 0; i < recent_.size(); ++i) {
    x.push_back(static_cast<double>(i));
    y.push_back(std::min(recent_[i].value, limit));
  }
  return least_squares(x, y);
}

Trend LossHistory::long_trend() const {
  std::vector<double> x;
  std::vector<double> y;
  for (const Bucket& bucket : buckets_) {
    x.push_back(static_cast<double>(bucket.first_step));
    y.push_back(bucket.level);
  }
  return least_squares(x, y);
}

double LossHistory::mean(std::size_t n) const {
  const std::vector<double> values = values_of(recent_, recent_.size() > n ? recent_.size() - n : 0);
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(values.size());
}

double LossHistory::trimmed_level(std::size_t n) const {
  std::vector<double> values = values_of(recent_, recent_.size() > n ? recent_.size() - n : 0);
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  drop_largest_tenth(values);
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

bool LossHistory::improved_from(double then, double share) const {
  if (count_ < 2 * kFirst) return false;
  const std::size_t n = recent_.size() >= kRecent ? kRecent / 2 : 2 * kFirst;
  const double fall = then - trimmed_level(n);
  if (!(fall > share * std::abs(then))) return false;
  return fall > 3 * noise() * std::sqrt(1.0 / kFirst + 1.0 / static_cast<double>(n));
}

bool LossHistory::improved_since(std::uint64_t step, double share) const {
  if (first_.empty()) return false;
  return improved_from(step <= first_.back().step ? initial_level() : level_at(step), share);
}

}  // namespace sonde::analysis
