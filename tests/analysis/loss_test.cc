#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

TEST(LossDiverging, ARisingLossWithLargeStepsIsWarnedOf) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  for (const char* name : {"fc1", "fc2"}) net.layer(name).update = 0.02;
  net.run(60, [&](std::uint64_t step) { net.loss = step < 20 ? 1 : 0.2 * static_cast<double>(step); });
  const Finding* finding = net.find("loss-diverging");
  ASSERT_NE(finding, nullptr);
  EXPECT_GE(finding->severity, Severity::warning);
  EXPECT_EQ(finding->causes[0].cause, Cause::learning_rate_too_high);
  EXPECT_EQ(finding->causes[0].where.part, "optimizer");
}

TEST(LossDiverging, SpikesOfSixtySixTimesTheMedianAreHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::smooth_l1_loss");
  for (const char* name : {"fc1", "fc2"}) net.layer(name).update = 0.01;
  net.run(600, [&](std::uint64_t step) {
    net.loss = (step % 41 == 40 ? 66 : 1) * std::exp(-0.01 * static_cast<double>(step));
  });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(LossDiverging, ALossThatRisesWithSmallStepsIsHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");  // Q-learning: the targets grow
  net.run(600, [&](std::uint64_t step) { net.loss = 0.01 + 0.01 * static_cast<double>(step); });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(LossDiverging, TheGeneratorOfAGanMayRiseForEver) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::binary_cross_entropy_with_logits");
  net.target = values(0.7, 0.5);
  net.target.min = 0;
  net.target.max = 1;
  net.run(800, [&](std::uint64_t step) {
    net.loss = 4 + 5 * (1 - std::exp(-0.01 * static_cast<double>(step))) + std::sin(static_cast<double>(step));
  });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(LossStuck, ALossAtTheConstantAnswerForALongTimeIsWarnedOf) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  std::mt19937 random(1);
  net.run(800, [&](std::uint64_t) { net.loss = std::log(10.0) + 0.02 * (random() / 4294967296.0 - 0.5); });
  const Finding* finding = net.find("loss-stuck");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::warning);
}

TEST(LossStuck, ElsewhereItIsOnlyAdviceBecauseNoisyTasksLookTheSame) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  std::mt19937 random(1);
  net.target = values(3);
  net.run(800, [&](std::uint64_t) { net.loss = 1 + 0.3 * (random() / 4294967296.0 - 0.5); });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(LossStuck, ASlowFallUnderMuchNoiseIsProgress) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  std::mt19937 random(1);
  net.run(1500, [&](std::uint64_t step) {
    net.loss = std::log(10.0) - 0.0003 * static_cast<double>(step) + 0.3 * (random() / 4294967296.0 - 0.5);
  });
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(LossStuck, AConvergedLossIsNotStuck) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(2000, [&](std::uint64_t step) { net.loss = 1e-5 + std::exp(-0.1 * static_cast<double>(step)); });
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(LossStuck, ClosureEvaluationsNeedNotFall) {
  FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::cross_entropy_loss");
  net.flags = trace::kRepeated;
  net.loss = std::log(10.0);
  net.run(1000);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(LossSlow, AFallThatIsSureButSmallIsAdviceAndAGoodOneIsNot) {
  for (const double pace : {1e-4, 1e-2}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
    net.run(400, [&](std::uint64_t step) { net.loss = 2.3 * std::exp(-pace * static_cast<double>(step)); });
    EXPECT_EQ(net.find("loss-slow") != nullptr, pace < 1e-3) << text_of(net.findings());
    EXPECT_EQ(net.count(Severity::warning), 0U);
  }
}

TEST(Pace, StepsThatGainWhatTheyPromiseButTakeThousandsAreAdviceOfALowRate) {
  for (const double share : {1e-5, 1e-2}) {
    FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::mse_loss");
    net.run(30, [&](std::uint64_t) {
      net.layer("fc1").gradient_dot_update = -share * net.loss;
      net.loss *= 1 - share;
    });
    const Finding* finding = net.find("small-update");
    ASSERT_EQ(finding != nullptr, share < 1e-3);
    EXPECT_EQ(finding == nullptr || finding->causes[0].cause == Cause::learning_rate_too_low, true);
  }
}

TEST(LossOscillating, SwingsWithLargeStepsAreAdvice) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  for (const char* name : {"fc1", "fc2"}) net.layer(name).update = 0.008;
  net.run(200, [&](std::uint64_t step) { net.loss = step % 2 == 0 ? 1.0 : 2.0; });
  ASSERT_NE(net.find("loss-oscillating"), nullptr);
  EXPECT_EQ(net.count(Severity::warning), 0U);
}

TEST(Updates, LargeOnesInAllLayersAreWarnedOfWhileTheLossDoesNotFall) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  for (const char* name : {"fc1", "fc2"}) net.layer(name).update = 0.05;
  net.run(30);
  const Finding* finding = net.find("large-update");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::learning_rate_too_high);
}

TEST(Updates, LargeOnesInOneLayerOrInARunThatLearnsAreHealthy) {
  FakeNetwork one({"fc1", "relu1", "fc2", "relu2", "fc3"}, "aten::mse_loss");
  one.layer("fc3").update = 0.05;
  one.run(60);
  EXPECT_EQ(one.count(Severity::warning), 0U) << text_of(one.findings());
  FakeNetwork learns({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  for (const char* name : {"fc1", "fc2"}) learns.layer(name).update = 0.02;
  learns.run(60, [&](std::uint64_t step) { learns.loss = std::exp(-0.05 * static_cast<double>(step)); });
  EXPECT_EQ(learns.count(Severity::warning), 0U) << text_of(learns.findings());
}

TEST(Activations, EnormousFromTheFirstLayerOnBlameItsInitialisation) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  for (auto& layer : net.layers()) layer.forward = values(5e4);
  net.run(12);
  const Finding* finding = net.find("exploding-activation");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::bad_initialization);
  EXPECT_EQ(finding->causes[0].where.layer, "fc1");
}

TEST(Activations, ASumOfEverythingIsNoActivation) {
  FakeNetwork net({"fc1", "relu1", "fc2", "sum"}, "");
  net.layer("sum").forward = values(5e4, 0, 1);
  net.run(12);
  EXPECT_EQ(net.find("exploding-activation"), nullptr) << text_of(net.findings());
  FakeNetwork large({"fc1", "relu1", "fc2", "sum"}, "");
  for (const char* name : {"fc2", "sum"}) large.layer(name).forward = values(5e4);
  large.run(12);
  EXPECT_NE(large.find("exploding-activation"), nullptr);
}

TEST(Activations, LargeOnesOfALargeInputAndSlowGrowthAreHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(300, [&](std::uint64_t step) {
    for (auto& layer : net.layers()) layer.forward = values(1 + 0.1 * static_cast<double>(step));
    net.loss = std::exp(-0.0005 * static_cast<double>(step));
  });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

}  // namespace
}  // namespace sonde::testing
