#include "analysis/metric.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"
#include "analysis/trend.h"

namespace sonde::testing {
namespace {

using analysis::Metric;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Metric, KeepsFirstBestAndLast) {
  Metric metric(7, "val_loss", {});
  for (const double value : {3.0, 1.0, 2.0}) metric.add(static_cast<std::uint64_t>(10 * value), value, 0.1);
  EXPECT_EQ(metric.first(), 3);
  EXPECT_EQ(metric.best().value, 1);
  EXPECT_EQ(metric.best().step, 10U);
  EXPECT_EQ(metric.last(), 2);
  EXPECT_EQ(metric.count(), 3U);
}

TEST(Metric, HasNoBestIfItIsNotKnownWhatIsBetter) {
  Metric metric(7, "quality", {});
  metric.add(0, 1, 0.1);
  EXPECT_TRUE(std::isnan(metric.best().value));
}

TEST(Metric, CountsWhatIsNotFiniteAndLooksPastIt) {
  Metric metric(7, "val_acc", {});
  for (const double value : {0.5, kNan, std::numeric_limits<double>::infinity(), 0.6, 0.4}) metric.add(0, value, 0.1);
  EXPECT_EQ(metric.non_finite(), 2U);
  EXPECT_EQ(metric.best().value, 0.6);
  EXPECT_EQ(metric.points().size(), 3U);
}

TEST(Metric, KeepsABoundedCourseOfAnEndlessRun) {
  Metric metric(7, "val_loss", {});
  std::uint64_t judged = 0;
  for (std::uint64_t step = 0; step < 1'000'000; ++step) judged += metric.add(step, 1.0 / (1.0 + step), 0.1) ? 1 : 0;
  EXPECT_LT(metric.points().size(), Metric::kPoints);
  EXPECT_GE(metric.points().size(), Metric::kPoints / 2);
  EXPECT_LT(judged, 3000U);
  for (std::size_t i = 1; i < metric.points().size(); ++i) {
    EXPECT_LT(metric.points()[i - 1].step, metric.points()[i].step);
  }
}

TEST(MannKendall, ScoresTheOrderOfValuesAndNothingElse) {
  using analysis::mann_kendall;
  EXPECT_EQ(mann_kendall(std::vector<double>{1, 2}), 0);
  EXPECT_EQ(mann_kendall(std::vector<double>{3, 3, 3, 3}), 0);
  // Ten rising values: S = 45, variance 10 * 9 * 25 / 18 = 125.
  const std::vector<double> rising = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1000};
  EXPECT_NEAR(mann_kendall(rising), 44 / std::sqrt(125), 1e-12);
  EXPECT_NEAR(mann_kendall(std::vector<double>(rising.rbegin(), rising.rend())), -44 / std::sqrt(125), 1e-12);
  // A tie of two takes 2 * 1 * 9 / 18 off the variance.
  EXPECT_NEAR(mann_kendall(std::vector<double>{1, 2, 2, 3}), 4 / std::sqrt(4 * 3 * 13 / 18.0 - 1), 1e-12);
}

TEST(MetricNotFinite, IsAdviceAndOnlyOnce) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(10);
  net.metric("val_precision", 0.5);
  EXPECT_EQ(net.find("metric-not-finite"), nullptr);
  for (int i = 0; i < 5; ++i) net.metric("val_precision", kNan);
  const Finding* finding = net.find("metric-not-finite");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::advice);
  EXPECT_EQ(finding->causes.front().cause, Cause::division_by_zero);
  EXPECT_EQ(net.findings().size(), 1U) << text_of(net.findings());
}

TEST(MetricNotFinite, FollowsFromATrainingThatIsNotFinite) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(10);
  net.loss = kNan;
  net.non_finite_loss = 1;
  net.layer("fc2").forward.nan = 640;
  net.run(2);
  net.metric("val_loss", kNan);
  ASSERT_EQ(net.findings().size(), 1U) << text_of(net.findings());
  const Finding finding = net.findings().front();
  EXPECT_EQ(finding.origin.kind, "non-finite");
  EXPECT_EQ(finding.followed_by.at(0).kind, "metric-not-finite");
  for (const RankedCause& cause : finding.causes) EXPECT_NE(cause.where.part, "metric");
}

TEST(EngineNews, TellsAnIncidentOnceAndAgainWhenItIsWorse) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(10);
  net.metric("val_loss", 1);
  EXPECT_TRUE(net.engine().take_news().empty());
  net.metric("val_loss", kNan);
  const auto news = net.engine().take_news();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(net.engine().findings(news).at(0).origin.kind, "metric-not-finite");
  net.metric("val_loss", kNan);
  EXPECT_TRUE(net.engine().take_news().empty());
}

TEST(EngineTotals, HaveTheMetricsInTheOrderFirstGiven) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.metric("val_loss", 2);
  net.metric("accuracy", 0.5);
  net.metric("val_loss", 1);
  const auto metrics = net.engine().totals().metrics;
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0].name, "val_loss");
  EXPECT_EQ(metrics[0].count, 2U);
  EXPECT_EQ(metrics[0].best, 1);
  EXPECT_EQ(metrics[1].split, Split::inferred);
}

}  // namespace
}  // namespace sonde::testing
