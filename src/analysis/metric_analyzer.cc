#include "analysis/metric_analyzer.h"

#include <algorithm>
#include <cmath>

#include "analysis/metric_not_finite.h"
#include "analysis/over_fitting.h"
#include "analysis/over_training.h"
#include "analysis/stall.h"

namespace sonde::analysis {

std::vector<std::unique_ptr<MetricAnalyzer>> make_metric_analyzers() {
  std::vector<std::unique_ptr<MetricAnalyzer>> all;
  all.push_back(std::make_unique<MetricNotFiniteAnalyzer>());
  all.push_back(std::make_unique<OverFittingAnalyzer>());
  all.push_back(std::make_unique<OverTrainingAnalyzer>());
  all.push_back(std::make_unique<StallAnalyzer>());
  return all;
}

Sighting sighting_of(Sign sign, const Metric& metric, const Run& run) {
  Sighting sighting;
  sighting.sign = sign;
  sighting.severity = Severity::advice;
  sighting.part = "metric";
  sighting.site = metric.site();
  sighting.phase = Phase::loss;
  sighting.step = run.last_metric_step();
  return sighting;
}

std::string shown(const Metric& metric) {
  constexpr std::size_t kLongest = 60;
  std::string name = metric.name();
  if (name.size() > kLongest) name = name.substr(0, kLongest) + "...";
  return name;
}

bool rate_not_raised_since(const Metric::Point& point, const Run& run) {
  constexpr double kSame = 1.05;
  return !(run.learning_rate() > kSame * point.learning_rate);
}

bool training_stands_still_since(const Metric::Point& point, const Run& run) {
  constexpr double kShare = 0.05;
  constexpr double kFalls = 0.95;
  constexpr double kWorthIt = 0.01;  // share of the level that a hundred losses must take off
  const LossHistory& loss = run.loss();
  if (loss.count() < LossHistory::kRecent || loss.improved_since(point.step, kShare)) return false;
  const Trend late = loss.trend(LossHistory::kRecent);
  const double fall = -late.slope * static_cast<double>(LossHistory::kRecent);
  return !(late.falling() > kFalls && fall > kWorthIt * std::abs(late.level));
}

}  // namespace sonde::analysis
