// Rules in the engine: what is told, and how advice joins the incidents that it explains.
#include <algorithm>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

void set_rate(FakeNetwork& net, double rate) {
  net.set_program([rate](trace::Program& program) { program.groups = {{"Adam", rate, 0.9, 0, {}}}; });
}

TEST(Habits, AreToldOnTheFirstStepAsAdvice) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  set_rate(net, 0.1);
  net.run(1);
  ASSERT_EQ(net.findings().size(), 1U) << text_of(net.findings());
  EXPECT_EQ(net.findings()[0].severity, Severity::advice);
  EXPECT_EQ(net.findings()[0].origin.kind, "learning-rate-range");
  EXPECT_EQ(net.findings()[0].origin.where.part, "optimizer");
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::learning_rate_too_high);
}

TEST(Habits, OfALaterSymptomAreOneIncidentWithIt) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  set_rate(net, 0.1);
  net.run(40, [&](std::uint64_t step) {
    for (FakeLayer& layer : net.layers()) layer.update = 0.2 * layer.weight;
    net.loss = 1 + static_cast<double>(step);
  });
  ASSERT_EQ(net.findings().size(), 1U) << text_of(net.findings());
  EXPECT_GE(net.findings()[0].severity, Severity::warning);
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::learning_rate_too_high);
  const auto evidence = net.findings()[0].causes[0].evidence;
  EXPECT_TRUE(std::ranges::any_of(evidence, [](const std::string& line) {
    return line.starts_with("Adam has a rate");
  })) << text_of(net.findings());
}

TEST(Habits, TooCommonToBeToldWaitForTheirSymptom) {
  FakeNetwork net({"fc1", "sigmoid1", "fc2", "sigmoid2", "fc3", "sigmoid3", "fc4"}, "aten::cross_entropy_loss");
  set_rate(net, 1e-6);
  net.run(10);
  EXPECT_EQ(
      std::ranges::count_if(net.findings(), [](const Finding& f) { return f.origin.kind == "learning-rate-range"; }), 0)
      << text_of(net.findings());
  net.run(200);  // the loss stands still
  const Finding* stuck = net.find("loss-stuck");
  ASSERT_NE(stuck, nullptr);
  const auto& causes = stuck->causes;
  const auto low = std::ranges::find(causes, Cause::learning_rate_too_low, &RankedCause::cause);
  ASSERT_NE(low, causes.end()) << text_of(net.findings());
  EXPECT_TRUE(std::ranges::any_of(low->evidence, [](const std::string& line) { return line.find("Adam") == 0; }));
}

TEST(Habits, MakeAtMostThreeFindings) {
  FakeNetwork net({"fc1", "fc2", "relu1", "tanh2", "dropout1", "dropout2", "fc3"}, "aten::mse_loss");
  net.layer("fc1").weight = 30;
  net.set_program([](trace::Program& program) { program.groups = {{"Adam", 0.1, 0.9, 1, {}}}; });
  net.run(3);
  EXPECT_EQ(net.findings().size(), 3U) << text_of(net.findings());
  EXPECT_EQ(net.count(Severity::warning), 0U);
}

TEST(Habits, SayTheSameWhenTheRecordsAreReplayed) {
  FakeNetwork net({"fc1", "fc2", "relu1", "tanh2", "fc3"}, "aten::mse_loss");
  set_rate(net, 0.1);
  net.run(30);
  analysis::Engine again(net.catalog());
  again.consume(net.pushed());
  EXPECT_EQ(text_of(again.findings()), text_of(net.findings()));
}

}  // namespace
}  // namespace sonde::testing
