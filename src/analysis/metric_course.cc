#include "analysis/metric_course.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "analysis/robust.h"
#include "analysis/trend.h"

namespace sonde::analysis {
namespace {

double median_of(std::span<const double> values) { return median({values.begin(), values.end()}); }

// Root mean square of the differences of neighbours without the largest tenth of them, which are jumps, not noise; scaled
// to agree with the deviation of a normal sample. A steady course makes it larger, which errs on the side of silence.
double noise_of(std::span<const double> values) {
  std::vector<double> squares;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double difference = values[i] - values[i - 1];
    squares.push_back(difference * difference);
  }
  std::ranges::sort(squares);
  squares.resize(squares.size() - squares.size() / 10);
  double sum = 0;
  for (const double square : squares) sum += square;
  constexpr double kOfNormal = 1.27;
  return squares.empty() ? 0 : kOfNormal * std::sqrt(sum / static_cast<double>(squares.size()) / 2);
}

// Weights drift, so neighbouring evaluations err alike, and noise looks like a trend for a while; seldom in all five parts.
bool rises_steadily(std::span<const double> values) {
  constexpr std::size_t kParts = 5;
  if (values.size() < kParts) return false;
  double before = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < kParts; ++i) {
    const std::size_t begin = i * values.size() / kParts;
    const double level = median_of(values.subspan(begin, (i + 1) * values.size() / kParts - begin));
    if (!(level > before)) return false;
    before = level;
  }
  return true;
}

}  // namespace

std::optional<MetricCourse> course_of(const Metric& metric) {
  const auto& points = metric.points();
  if (points.size() < MetricCourse::kEnough || metric.kind().better == Better::inferred) return std::nullopt;
  const double sign = metric.kind().better == Better::lower ? 1 : -1;
  std::vector<double> values;
  values.reserve(points.size());
  for (const Metric::Point& point : points) values.push_back(sign * point.value);
  const std::span all(values);

  MetricCourse course;
  course.points = values.size();
  course.best_level = course.start_level = median_of(all.first(3));
  course.now = median_of(all.last(3));
  course.best = static_cast<std::size_t>(std::ranges::min_element(all.first(3)) - all.begin());
  for (std::size_t i = 2; i + 1 < values.size(); ++i) {
    const double level = median_of(all.subspan(i - 1, 3));
    if (level < course.best_level) {
      course.best_level = level;
      course.best = i;
    }
  }
  // Not of the first fall, which may be steep.
  course.noise =
      noise_of(all.subspan(std::min(course.best - std::min<std::size_t>(course.best, 3), values.size() - 6)));
  const auto level_reached = [&](double value) { return value <= course.best_level + 2 * course.noise; };
  course.reached = static_cast<std::size_t>(std::ranges::find_if(all, level_reached) - all.begin());
  course.worsening = mann_kendall(all.subspan(course.best + 1));
  course.steadily = rises_steadily(all.subspan(course.best + 1));
  course.late = mann_kendall(all.last(std::min(MetricCourse::kLate, values.size())));
  return course;
}

}  // namespace sonde::analysis
