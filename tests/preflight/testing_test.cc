#include <sonde/testing.h>

#include <gtest/gtest-spi.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

Report report_with(Severity severity) {
  Finding finding;
  finding.severity = severity;
  finding.origin = {"non-finite",
                    {"head.log", "", "aten::log", Phase::forward, {"src/train.cc", "", 41}},
                    3,
                    severity,
                    "12 of 640 values are -inf"};
  finding.causes = {{Cause::log_of_zero, 0.9, finding.origin.where, {}, ""},
                    {Cause::learning_rate_too_high, 0.5, {"", "optimizer", "", Phase::update, {}}, {}, ""}};
  Report report;
  report.findings = {finding};
  return report;
}

TEST(Expectations, NoFindingsHoldsWithoutWarnings) {
  EXPECT_NO_FINDINGS(Report());
  EXPECT_NO_FINDINGS(report_with(Severity::advice));
}

TEST(Expectations, NoFindingsShowsTheReport) {
  EXPECT_NONFATAL_FAILURE(EXPECT_NO_FINDINGS(report_with(Severity::warning)), "12 of 640 values are -inf");
  EXPECT_NONFATAL_FAILURE(EXPECT_NO_FINDINGS(report_with(Severity::error)), "error log-of-zero in head.log");
  EXPECT_NONFATAL_FAILURE(EXPECT_NO_FINDINGS(report_with(Severity::error)) << "after 3 steps", "after 3 steps");
}

TEST(Expectations, FindingIsFoundByLayerOperationPartLineOrAnywhere) {
  const auto report = report_with(Severity::warning);
  EXPECT_FINDING(report, Cause::log_of_zero, "head.log");
  EXPECT_FINDING(report, Cause::log_of_zero, "aten::log");
  EXPECT_FINDING(report, Cause::log_of_zero, "train.cc:41");
  EXPECT_FINDING(report, Cause::learning_rate_too_high, "optimizer");
  EXPECT_FINDING(report, Cause::log_of_zero, "");
}

TEST(Expectations, FindingOfAnotherCauseOrPlaceFails) {
  static const auto report = report_with(Severity::warning);
  EXPECT_NONFATAL_FAILURE(EXPECT_FINDING(report, Cause::overflow, "head.log"),
                          "expected a finding of overflow at head.log");
  EXPECT_NONFATAL_FAILURE(EXPECT_FINDING(report, Cause::log_of_zero, "head"), "log-of-zero in head.log");
  EXPECT_NONFATAL_FAILURE(EXPECT_FINDING(Report(), Cause::overflow, ""), "expected a finding of overflow");
}

TEST(Expectations, HealthyModelTrainsAndIsLeftAsItWas) {
  Net net;
  const Batch batch;
  const auto before = copy_of_weights(net);
  EXPECT_TRAINS(net, [&] { return torch::mse_loss(net.forward(batch.x), batch.y); });
  EXPECT_TRUE(weights_are(net, before));
}

TEST(Expectations, ModelWithACutGraphDoesNotTrain) {
  static Net net;
  static const Batch batch;
  EXPECT_NONFATAL_FAILURE(EXPECT_TRAINS(net,
                                        [&] {
                                          const auto hidden = torch::relu(net.fc1(batch.x)).detach();
                                          return torch::mse_loss(net.fc2(hidden), batch.y);
                                        }),
                          "fc1.weight");
}

TEST(Expectations, ModelWithoutParametersDoesNotTrain) {
  static torch::nn::Sequential empty;
  EXPECT_NONFATAL_FAILURE(EXPECT_TRAINS(empty, [] { return torch::zeros({}); }), "no parameters");
}

}  // namespace
}  // namespace sonde::tests
