// The user's numbers through the public interface.
#include <cmath>
#include <limits>

#include "monitor/training.h"

#include <gtest/gtest.h>

namespace sonde::tests {
namespace {

struct Watched {
  Net net;
  torch::optim::SGD optimizer{net.parameters(), 0.01};
  Monitor monitor;
  explicit Watched(Options options = observed()) : monitor(net, optimizer, std::move(options)) {}
};

TEST(Metric, WithoutANameIsRefused) {
  Watched watched;
  try {
    watched.monitor.metric("", 1);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("empty name"), std::string::npos);
  }
}

TEST(Metric, BelongsToTheLastJudgedStep) {
  Watched watched;
  watched.monitor.metric("val_loss", 3);
  train(watched.net, watched.optimizer, watched.monitor, 5);
  watched.monitor.metric("val_loss", 1);
  train(watched.net, watched.optimizer, watched.monitor, 5);
  watched.monitor.metric("val_loss", std::numeric_limits<double>::quiet_NaN());
  const Report report = watched.monitor.report();
  ASSERT_EQ(report.context.metrics.size(), 1U);
  const MetricSummary& metric = report.context.metrics[0];
  EXPECT_EQ(metric.name, "val_loss");
  EXPECT_EQ(metric.count, 3U);
  EXPECT_EQ(metric.first, 3);
  EXPECT_EQ(metric.best, 1);
  EXPECT_EQ(metric.best_step, 4U);
  EXPECT_TRUE(std::isnan(metric.last));
  EXPECT_NE(find(report, "metric-not-finite"), nullptr);
  EXPECT_EQ(report.count(Severity::warning), 0U) << kinds(report);
}

TEST(Metric, LeavesTheTrainingAsItIs) {
  const auto trained = [](bool metrics) {
    torch::manual_seed(7);  // of the first weights
    Watched watched;
    for (int i = 0; i < 30; ++i) {
      train_step(watched.net, watched.optimizer, watched.monitor);
      if (metrics) watched.monitor.metric("val_loss", i);
    }
    return copy_of_weights(watched.net);
  };
  const auto with = trained(true);
  const auto without = trained(false);
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_TRUE(torch::equal(with[i], without[i]));
}

TEST(Quiet, AMonitorWhoseReportWasReadSaysNothingAtItsEnd) {
  ::testing::internal::CaptureStderr();
  {
    Watched watched;
    train(watched.net, watched.optimizer, watched.monitor, 5);
    (void)watched.monitor.report();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Quiet, AMonitorThatSawNoStepSaysNothing) {
  ::testing::internal::CaptureStderr();
  { const Watched watched; }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Quiet, AHealthyRunWhoseReportNobodyReadGetsOneLine) {
  ::testing::internal::CaptureStderr();
  {
    Watched watched;
    train(watched.net, watched.optimizer, watched.monitor, 30);
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.rfind("sonde: no ", 0), 0U) << said;
  EXPECT_NE(said.find("30 steps"), std::string::npos) << said;
}

TEST(Quiet, AMovedMonitorSpeaksOnce) {
  ::testing::internal::CaptureStderr();
  {
    Watched watched;
    train(watched.net, watched.optimizer, watched.monitor, 5);
    const Monitor moved = std::move(watched.monitor);
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.find("sonde:"), said.rfind("sonde:")) << said;
  EXPECT_EQ(said.rfind("sonde:", 0), 0U) << said;
}

}  // namespace
}  // namespace sonde::tests
