// The two complaints of pytorch issue 160016 about anomaly mode, as programs of our own: it names a line that is not the
// origin, and it passes over a loss that is NaN. Each test shows first that anomaly mode does so.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/anomaly_mode.h>

#include "run_case.h"

namespace sonde::origins {
namespace {

namespace F = torch::nn::functional;

// What anomaly mode says of a step of `program`; empty if it is content.
std::string anomaly(Program program) {
  torch::autograd::DetectAnomalyGuard guard;
  auto loss = program.loss(true);
  try {
    loss.backward();
  } catch (const std::exception& error) { return error.what(); }
  return {};
}

// 0/0 in the forward pass; the last operation is the first one whose gradient is NaN.
Program late_report() {
  return around_net([](const at::Tensor& y, bool bad) {
    auto hits = torch::relu(y) * (bad ? 0.0 : 1.0) + (bad ? 0.0 : 0.1);
    auto share = ORIGIN(hits / hits.sum(1, true));
    auto weighted = share * y;
    return weighted.sum(1).exp().mean();
  });
}

// The NaN is a term without gradient: every gradient is finite.
Program unseen_loss() {
  return around_net([](const at::Tensor& y, bool bad) {
    auto spread = y.detach().var(0) - (bad ? 100.0 : 0.0);
    auto penalty = ORIGIN(spread.sqrt());
    return F::cross_entropy(y, classes(4)) + penalty.mean();
  });
}

Finding only_finding(Program program) {
  torch::manual_seed(1);
  const auto report = train(program, Mode::every_step);
  EXPECT_EQ(report.count(Severity::warning), 1u);
  return report.findings.empty() ? Finding{} : report.findings.front();
}

TEST(AnomalyMode, NamesANodeThatIsNotTheOriginAndSondeNamesTheOrigin) {
  const auto said = anomaly(late_report());
  EXPECT_NE(said.find("nan"), std::string::npos) << said;
  EXPECT_EQ(said.find("DivBackward0"), std::string::npos) << said;

  const auto where = only_finding(late_report()).origin.where;
  EXPECT_EQ(where.operation, "aten::div");
  EXPECT_EQ(where.phase, Phase::forward);
  EXPECT_EQ(where.source.line, take_marked_lines().at(0).line);
}

TEST(AnomalyMode, PassesOverANanLossAndSondeNamesItsOrigin) {
  auto program = unseen_loss();
  EXPECT_TRUE(program.loss(true).isnan().item<bool>());
  EXPECT_EQ(anomaly(unseen_loss()), "");

  const auto where = only_finding(unseen_loss()).origin.where;
  EXPECT_EQ(where.operation, "aten::sqrt");
  EXPECT_EQ(where.phase, Phase::forward);
  EXPECT_EQ(where.source.line, take_marked_lines().at(0).line);
}

}  // namespace
}  // namespace sonde::origins
