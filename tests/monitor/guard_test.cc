#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

constexpr int kBadStep = 5;

// Loss finite, gradient NaN: the slope of sqrt at zero is infinite, and zero times that is no number.
torch::Tensor loss_with_nan_gradient(Net& net, const Batch& batch) {
  return torch::mse_loss(net.forward(batch.x), batch.y) + torch::sqrt((net.fc1->weight * 0).pow(2).sum());
}

torch::Tensor nan_loss(Net& net, const Batch& batch) {
  return torch::log(torch::mse_loss(net.forward(batch.x), batch.y) - 1e6);
}

// A training in which one step is bad; the other steps are usual ones.
class Guard : public testing::Test {
 protected:
  using Loss = torch::Tensor (*)(Net&, const Batch&);

  void begin(OnFault on_fault) { monitor_.emplace(net_, optimizer_, observed(on_fault)); }

  Verdict backward_of_step(int step, Loss bad_loss) {
    const Batch batch;
    optimizer_.zero_grad();
    return monitor_->backward(step == kBadStep ? bad_loss(net_, batch)
                                               : torch::mse_loss(net_.forward(batch.x), batch.y));
  }

  void expect_skip(Loss bad_loss) {
    begin(OnFault::skip);
    for (int step = 0; step < 10; ++step) {
      const auto before = copy_of_weights(net_);
      const auto verdict = backward_of_step(step, bad_loss);
      EXPECT_EQ(verdict.ok, step != kBadStep);
      EXPECT_EQ(verdict.applied, step != kBadStep);
      EXPECT_EQ(verdict.reason.empty(), step != kBadStep);
      optimizer_.step();
      EXPECT_EQ(weights_are(net_, before), step == kBadStep);
      EXPECT_TRUE(all_finite(net_));
    }
  }

  void expect_abort(Loss bad_loss) {
    begin(OnFault::abort);
    int step = 0;
    std::vector<torch::Tensor> before;
    try {
      for (; step < 10; ++step) {
        before = copy_of_weights(net_);
        backward_of_step(step, bad_loss);
        optimizer_.step();
      }
      FAIL() << "nothing was thrown";
    } catch (const FaultFound& fault) {
      EXPECT_EQ(step, kBadStep);
      EXPECT_EQ(fault.finding().severity, Severity::error);
      EXPECT_EQ(fault.finding().origin.step, static_cast<std::uint64_t>(kBadStep));
      EXPECT_FALSE(fault.finding().causes.empty());
      EXPECT_FALSE(fault.finding().kept.empty());
    }
    EXPECT_TRUE(weights_are(net_, before));
    optimizer_.step();  // a user who catches too much and goes on
    EXPECT_TRUE(weights_are(net_, before));
  }

  Net net_;
  torch::optim::SGD optimizer_{net_.parameters(), 0.01};
  std::optional<Monitor> monitor_;
};

TEST_F(Guard, SkipPassesOverAStepWithANanGradient) { expect_skip(loss_with_nan_gradient); }

TEST_F(Guard, SkipPassesOverAStepWithANanLoss) { expect_skip(nan_loss); }

TEST_F(Guard, AbortThrowsBeforeANanGradientIsApplied) { expect_abort(loss_with_nan_gradient); }

TEST_F(Guard, AbortThrowsBeforeANanLossIsApplied) { expect_abort(nan_loss); }

TEST_F(Guard, ReportLetsThePoisonedStepHappenAndSaysSo) {
  begin(OnFault::report);
  for (int step = 0; step <= kBadStep; ++step) {
    const auto verdict = backward_of_step(step, loss_with_nan_gradient);
    EXPECT_EQ(verdict.ok, step != kBadStep);
    EXPECT_TRUE(verdict.applied);
    optimizer_.step();
  }
  EXPECT_FALSE(all_finite(net_));
  EXPECT_GE(monitor_->report().count(Severity::error), 1u);
}

TEST_F(Guard, ReportComputesTheGradientsOfAPoisonedLossAsLibTorchDoes) {
  begin(OnFault::report);
  const Batch batch;
  nan_loss(net_, batch).backward();
  const auto wanted = net_.fc1->weight.grad().clone();
  optimizer_.zero_grad();
  EXPECT_FALSE(monitor_->backward(nan_loss(net_, batch)).ok);
  EXPECT_TRUE(torch::equal(net_.fc1->weight.grad(), wanted));
}

TEST_F(Guard, HealthyTrainingIsNeverTouched) {
  for (const auto on_fault : {OnFault::report, OnFault::skip, OnFault::abort}) {
    begin(on_fault);
    for (int step = 0; step < 20; ++step) {
      const auto verdict = backward_of_step(step == kBadStep ? 0 : step, nullptr);
      EXPECT_TRUE(verdict.ok && verdict.applied && verdict.reason.empty());
      optimizer_.step();
    }
    EXPECT_EQ(kinds(monitor_->report()), "");
  }
}

TEST_F(Guard, AbortOfACheckAfterOwnBackwardKeepsTheWeights) {
  begin(OnFault::abort);
  const auto before = copy_of_weights(net_);
  const auto loss = loss_with_nan_gradient(net_, Batch());
  loss.backward();
  EXPECT_THROW(monitor_->check(loss), FaultFound);
  optimizer_.step();
  EXPECT_TRUE(weights_are(net_, before));
}

TEST_F(Guard, SkippedStepOfAClosureIsPassedOver) {
  begin(OnFault::skip);
  const Batch batch;
  const auto before = copy_of_weights(net_);
  EXPECT_FALSE(monitor_->backward([&] { return loss_with_nan_gradient(net_, batch); }).applied);
  optimizer_.step();
  EXPECT_TRUE(weights_are(net_, before));
}

// Most steps are not observed in full with these options; the verdict must not depend on it.
TEST_F(Guard, UnobservedStepsAreJudgedToo) {
  Options options;
  options.background = false;
  options.first_steps = 1;
  options.overhead = 1e-6;
  options.on_fault = OnFault::skip;
  monitor_.emplace(net_, optimizer_, options);
  for (int step = 0; step < 60; ++step) {
    const auto verdict = backward_of_step(step % 12 == 11 ? kBadStep : 0, loss_with_nan_gradient);
    EXPECT_EQ(verdict.ok, step % 12 != 11) << step;
    optimizer_.step();
    EXPECT_TRUE(all_finite(net_));
  }
}

TEST_F(Guard, TheOriginOfAnUnobservedClosureStepIsFoundByRunningItAgain) {
  Options options;
  options.background = false;
  options.first_steps = 1;
  options.overhead = 1e-6;
  options.on_fault = OnFault::abort;
  monitor_.emplace(net_, optimizer_, options);
  for (int step = 0; step < 30; ++step) {
    optimizer_.zero_grad();
    const Batch batch;
    monitor_->backward([&] { return torch::mse_loss(net_.forward(batch.x), batch.y); });
    optimizer_.step();
  }
  const Batch batch;
  try {
    monitor_->backward([&] { return nan_loss(net_, batch); });
    FAIL() << "nothing was thrown";
  } catch (const FaultFound& fault) { EXPECT_EQ(fault.finding().origin.where.operation, "aten::log"); }
}

TEST_F(Guard, RunningAStepAgainDrawsNoFurtherRandomNumbers) {
  const auto random_state_after = [this](const Options& options) {
    torch::manual_seed(3);
    Monitor monitor(net_, optimizer_, options);
    for (int step = 0; step < 6; ++step) {
      optimizer_.zero_grad();
      const Batch batch;
      monitor.backward([&] { return nan_loss(net_, {torch::dropout(batch.x, 0.5, true), batch.y}); });
    }
    return at::detail::getDefaultCPUGenerator().get_state();
  };
  Options sparse;
  sparse.background = false;
  sparse.first_steps = 1;
  sparse.overhead = 1e-6;
  sparse.on_fault = OnFault::skip;
  EXPECT_TRUE(torch::equal(random_state_after(sparse), random_state_after(observed(OnFault::skip))));
}

}  // namespace
}  // namespace sonde::tests
