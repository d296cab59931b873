#include <cmath>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

const std::vector<std::string> kDeep{"fc1", "sigmoid1", "fc2", "sigmoid2", "fc3", "sigmoid3",
                                     "fc4", "sigmoid4", "fc5", "sigmoid5", "fc6"};

// Each activation passes `activation` of the gradient, each linear layer `linear`.
void attenuate(FakeNetwork& net, double activation, double linear) {
  double gradient = 0.01;
  for (auto layer = net.layers().rbegin(); layer != net.layers().rend(); ++layer) {
    layer->backward = values(gradient);
    gradient *= layer->has_weight ? linear : activation;
  }
}

TEST(VanishingGradient, ThroughActivationsIsWarnedOfAndBlamesOneOfThem) {
  FakeNetwork net(kDeep, "aten::mse_loss");
  attenuate(net, 0.2, 1);
  net.run(30);
  const Finding* finding = net.find("vanishing-gradient");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_EQ(finding->causes[0].cause, Cause::wrong_activation);
  EXPECT_EQ(finding->causes[0].where.layer.substr(0, 7), "sigmoid");
}

TEST(VanishingGradient, ThroughSmallWeightsBlamesTheInitialisation) {
  FakeNetwork net(kDeep, "aten::mse_loss");
  attenuate(net, 1, 0.05);
  net.run(30);
  const Finding* finding = net.find("vanishing-gradient");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::bad_initialization);
  EXPECT_EQ(finding->causes[0].where.layer, "fc1");
}

TEST(VanishingGradient, MildAttenuationIsHealthy) {
  FakeNetwork net(kDeep, "aten::mse_loss");
  attenuate(net, 0.6, 0.9);
  net.run(60);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(VanishingGradient, IsNoWarningInANetworkThatLearns) {
  FakeNetwork net(kDeep, "aten::mse_loss");
  attenuate(net, 0.2, 1);
  net.run(200, [&](std::uint64_t step) { net.loss = 1.0 / (1.0 + 0.02 * static_cast<double>(step)); });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(VanishingGradient, HarmThatWasDoneStaysAWarning) {
  FakeNetwork net(kDeep, "aten::mse_loss");
  attenuate(net, 0.2, 1);
  net.run(600,
          [&](std::uint64_t step) { net.loss = step < 300 ? 1 : 1 / (1.0 + 0.1 * static_cast<double>(step - 300)); });
  EXPECT_EQ(net.count(Severity::warning), 1U) << text_of(net.findings());
}

TEST(VanishingGradient, SmallGradientsEverywhereAtConvergenceAreHealthy) {
  FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::mse_loss");
  net.run(300, [&](std::uint64_t step) {
    net.loss = std::exp(-0.05 * static_cast<double>(step));
    for (auto& layer : net.layers()) layer.backward = values(0.01 * net.loss);
  });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(ExplodingGradient, GrowthTowardsTheInputIsWarnedOf) {
  FakeNetwork net(kDeep, "aten::mse_loss");
  attenuate(net, 1, 6);
  net.run(30);
  ASSERT_NE(net.find("exploding-gradient"), nullptr) << text_of(net.findings());
  EXPECT_EQ(net.count(Severity::warning), 1U);
}

TEST(ExplodingGradient, SingleStepSpikesOfElevenTimesAreHealthy) {
  FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::mse_loss");
  net.run(300, [&](std::uint64_t step) {
    const double spike = step % 37 == 36 ? 11 : 1;
    net.loss = spike > 1 ? 66 : 1.0 / (1 + static_cast<double>(step));
    for (auto& layer : net.layers()) layer.gradient = 0.01 * spike, layer.backward = values(0.01 * spike);
  });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(ZeroGradient, AnOperationThatPassesNothingOnIsFound) {
  FakeNetwork net({"fc1", "tanh1", "fc2", "softmax"}, "aten::mse_loss");
  for (const char* name : {"fc1", "tanh1", "fc2"}) net.layer(name).backward = zeros();
  for (const char* name : {"fc1", "fc2"}) net.layer(name).gradient = 0;
  net.run(20);
  const Finding* finding = net.find("zero-gradient");
  ASSERT_NE(finding, nullptr) << text_of(net.findings());
  EXPECT_EQ(finding->severity, Severity::error);
  EXPECT_EQ(finding->causes[0].cause, Cause::wrong_output_activation);
  EXPECT_EQ(finding->causes[0].where.layer, "softmax");
}

TEST(ZeroGradient, ABranchThatStartsAtZeroAndMovesIsHealthy) {
  FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::mse_loss");
  net.layer("fc1").backward = zeros();
  net.run(4);
  net.layer("fc1").backward = values(0.01);
  net.run(40);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(ZeroGradient, IsNoErrorWhenTheLossIsSatisfied) {
  FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::hinge_embedding_loss");
  net.run(60, [&](std::uint64_t step) {
    net.loss = step < 30 ? 1.0 - 0.03 * static_cast<double>(step) : 0;
    if (step < 30) return;
    for (auto& layer : net.layers()) layer.backward = zeros(), layer.gradient = 0;
  });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

}  // namespace
}  // namespace sonde::testing
