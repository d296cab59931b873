#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

void silence(FakeLayer& layer, std::uint32_t silent, std::uint32_t dead) {
  layer.forward.units = layer.units;
  layer.forward.silent_units = silent;
  layer.forward.dead_units = dead;
  layer.forward.count = std::uint64_t{32} * layer.units;
  layer.forward.zeros = std::uint64_t{32} * silent;
}

TEST(DeadUnits, AWholeLayerDeadFromTheStartIsAnErrorOfItsInitialisation) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  silence(net.layer("relu1"), 64, 64);
  net.layer("fc1").backward = zeros();
  net.run(12);
  const Finding* finding = net.find("dead-units");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::error);
  EXPECT_EQ(finding->origin.step, 0U);
  EXPECT_EQ(finding->causes[0].cause, Cause::bad_initialization);
  EXPECT_EQ(finding->causes[0].where.layer, "fc1");
}

TEST(DeadUnits, DyingInOneStepBlamesTheRateAndNamesTheStep) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  silence(net.layer("relu1"), 3, 3);
  net.run(5);
  silence(net.layer("relu1"), 64, 64);
  net.layer("fc1").backward = zeros();
  net.run(12);
  const Finding* finding = net.find("dead-units");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->origin.step, 5U);
  EXPECT_EQ(finding->causes[0].cause, Cause::learning_rate_too_high);
  EXPECT_NE(finding->context.at(0).find("at once, at step 5"), std::string::npos);
}

TEST(DeadUnits, SparseButAliveLayersAndAFewDeadUnitsAreHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  silence(net.layer("relu1"), 6, 6);
  net.layer("relu1").forward.zeros = 64 * 26;
  net.run(60);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(DeadUnits, MostUnitsDeadInANetworkThatLearnsIsHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  silence(net.layer("relu1"), 60, 60);
  net.run(200, [&](std::uint64_t step) { net.loss = 2.3 / (1 + 0.01 * static_cast<double>(step)); });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(DeadUnits, ASingleUnitThatWasSilentInAFewSamplesIsNotDeadYet) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.layer("relu1").units = 1;
  silence(net.layer("relu1"), 1, 1);
  net.layer("relu1").forward.count = 1;
  net.layer("fc1").backward = zeros(1);
  net.run(20);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(Saturation, FromTheFirstStepWithANormalInputBlamesTheInitialisation) {
  FakeNetwork net({"fc1", "sigmoid1", "fc2"}, "aten::mse_loss");
  net.layer("sigmoid1").forward.beyond = 0.9F;
  net.run(20);
  const Finding* finding = net.find("saturation");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::bad_initialization);
  EXPECT_EQ(finding->causes[0].where.layer, "fc1");
}

TEST(Saturation, FromTheFirstStepWithALargeInputBlamesTheInput) {
  FakeNetwork net({"fc1", "sigmoid1", "fc2"}, "aten::mse_loss");
  net.input = values(150, 100);
  net.layer("sigmoid1").forward.beyond = 0.9F;
  net.run(20);
  ASSERT_EQ(net.count(Severity::warning), 1U) << text_of(net.findings());
  const Finding finding = net.findings().front();
  EXPECT_EQ(finding.origin.kind, "input-scale") << "the input came first";
  EXPECT_EQ(finding.causes[0].cause, Cause::input_not_normalized);
}

TEST(Saturation, GrowingWithLargeStepsBlamesTheRate) {
  FakeNetwork net({"fc1", "sigmoid1", "fc2"}, "aten::mse_loss");
  net.run(60, [&](std::uint64_t step) { net.layer("sigmoid1").forward.beyond = step < 10 ? 0.02F : 0.95F; });
  const Finding* finding = net.find("saturation");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::learning_rate_too_high);
}

TEST(Saturation, ASaturatedOutputAndAThirdOfAHiddenLayerAreHealthy) {
  FakeNetwork net({"fc1", "tanh1", "fc2", "sigmoid2"}, "aten::binary_cross_entropy");
  net.layer("tanh1").forward.beyond = 0.35F;
  net.layer("sigmoid2").forward.beyond = 1.0F;
  net.target = values(0.7, 0.5);
  net.run(60);
  EXPECT_EQ(net.find("saturation"), nullptr) << text_of(net.findings());
}

TEST(IdenticalUnits, EqualWeightsAreFoundWhenStepsDoNotTellThemApart) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.layer("fc1").forward.aux = net.layer("fc1").weight_spread = 0;
  net.run(8);
  const Finding* finding = net.find("identical-units");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::bad_initialization);
  EXPECT_EQ(finding->causes[0].where.layer, "fc1");
}

TEST(IdenticalUnits, ALayerThatStartsAtZeroAndMovesIsHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.layer("fc1").forward = zeros();
  net.layer("fc1").weight_spread = 0;
  net.run(1);
  net.layer("fc1").weight_spread = 0.1;
  net.layer("fc1").forward = values(0.1);
  net.run(30);
  EXPECT_EQ(net.find("identical-units"), nullptr) << text_of(net.findings());
}

TEST(IdenticalUnits, WarmUpFromARateOfZeroIsWaitedFor) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.learning_rate = 0;
  net.layer("fc1").forward.aux = net.layer("fc1").weight_spread = 0;
  net.run(10);
  EXPECT_EQ(net.find("identical-units"), nullptr) << text_of(net.findings());
}

TEST(IdenticalUnits, OneUnitAndTwoMirroredOnesAreHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.layer("fc1").units = 1;
  net.layer("fc2").units = 2;
  for (const char* name : {"fc1", "fc2"}) net.layer(name).forward.aux = net.layer(name).weight_spread = 0;
  net.run(30);
  EXPECT_EQ(net.find("identical-units"), nullptr) << text_of(net.findings());
}

}  // namespace
}  // namespace sonde::testing
