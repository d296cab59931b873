// What a loss is held against: its own start, and the best answer that ignores the input.
#include <cmath>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

double fading(std::uint64_t step, double from, double to) {
  return to + (from - to) * std::exp(-0.1 * static_cast<double>(step));
}

struct HugeFromTheStart : FakeNetwork {
  HugeFromTheStart() : FakeNetwork({"fc1", "relu1", "fc2", "relu2", "fc3"}, "aten::mse_loss") {
    for (const char* name : {"fc2", "relu2", "fc3"}) layer(name).forward = values(1e5);
  }
};

TEST(ConstantAnswer, ALossThatFallsFromAbsurdHeightsHasNotImproved) {
  HugeFromTheStart net;
  net.run(60, [&](std::uint64_t step) { net.loss = fading(step, 1e10, 1e6); });
  const Finding* finding = net.find("exploding-activation");
  ASSERT_NE(finding, nullptr) << text_of(net.findings());
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_EQ(finding->origin.where.layer, "fc2");
}

TEST(ConstantAnswer, ALossThatFallsBelowItHas) {
  HugeFromTheStart net;
  net.run(200, [&](std::uint64_t step) { net.loss = fading(step, 1e10, 0.1); });
  net.run(400, [&](std::uint64_t) { net.loss = 0.1; });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(ConstantAnswer, LargeUpdatesDoNoHarmToWhatIsLearntWithinTheFirstSteps) {
  for (const bool learnt : {true, false}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    for (auto& layer : net.layers()) layer.update = 0.02;
    net.run(60, [&](std::uint64_t step) { net.loss = learnt && step > 2 ? 0.01 : 1; });
    EXPECT_EQ(net.count(Severity::warning), learnt ? 0U : 1U) << text_of(net.findings());
  }
}

TEST(ConstantAnswer, AWeightThatIsRightToVanishIsNotRestless) {
  FakeNetwork net({"fc1"}, "aten::mse_loss");
  net.run(60, [&](std::uint64_t step) { net.layer("fc1").weight = fading(step, 0.1, 1e-4); });
  EXPECT_EQ(net.find("large-update"), nullptr) << text_of(net.findings());
}

TEST(ConstantAnswer, AHabitIsAWarningOnlyWhereTheLossStaysThere) {
  for (const bool learns : {false, true}) {
    FakeNetwork net({"fc1", "fc2"}, "aten::cross_entropy_loss");
    net.run(250, [&](std::uint64_t step) { net.loss = learns ? fading(step, std::log(10.0), 0.5) : std::log(10.0); });
    const Finding* finding = net.find("no-activation");
    ASSERT_NE(finding, nullptr) << text_of(net.findings());
    EXPECT_EQ(finding->severity, learns ? Severity::advice : Severity::warning);
  }
}

TEST(ConstantAnswer, AStandstillAtItIsAWarningThatBlamesTheRate) {
  for (const double update : {1e-8, 1e-4}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
    for (auto& layer : net.layers()) layer.update = update;
    net.run(200, [&](std::uint64_t) { net.loss = std::log(10.0); });
    EXPECT_EQ(net.count(Severity::warning), update < 1e-6 ? 1U : 0U) << text_of(net.findings());
  }
}

}  // namespace
}  // namespace sonde::testing
