// A user's analyzers: what they are shown, and what becomes of what they say.
#include "analysis/own_analyzers.h"

#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

using Look = std::function<std::vector<Violation>(const StepView&)>;

class OwnAnalyzer : public sonde::Analyzer {
 public:
  explicit OwnAnalyzer(Look look, std::string name = "own") : look_(std::move(look)), name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::vector<Violation> end_of_step(const StepView& step) override { return look_(step); }

 private:
  Look look_;
  std::string name_;
};

// An engine with own analyzers, and which of them failed how often.
struct Watched {
  explicit Watched(FakeNetwork& network, std::vector<std::shared_ptr<sonde::Analyzer>> own)
      : net(network), engine(net.catalog(), {}, {std::move(own), [this](std::string_view name, std::string_view what) {
                                                   ++failures[std::string(name) + ": " + std::string(what)];
                                                 }}) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) engine.consume(net.step());
  }
  [[nodiscard]] const Finding* find(const std::string& kind) {
    last = engine.findings();
    for (const Finding& finding : last)
      if (finding.origin.kind == kind) return &finding;
    return nullptr;
  }

  FakeNetwork& net;
  std::map<std::string, int> failures;
  analysis::Engine engine;
  std::vector<Finding> last;
};

std::shared_ptr<sonde::Analyzer> analyzer(Look look, std::string name = "own") {
  return std::make_shared<OwnAnalyzer>(std::move(look), std::move(name));
}

Violation violation(std::uint32_t operation, Severity severity) {
  Violation one;
  one.severity = severity;
  one.operation = operation;
  one.message = "too much";
  one.causes.push_back({Cause::wrong_layer_width, 0.8, operation, {}, "as measured", "less of it"});
  return one;
}

TEST(OwnAnalyzers, OneThatThrowsIsCountedAndTheOthersGoOn) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  int shown = 0;
  Watched watched(
      net, {analyzer([](const StepView&) -> std::vector<Violation> { throw std::runtime_error("no"); }, "a"),
            analyzer([](const StepView&) -> std::vector<Violation> { throw 7; }, "b"), analyzer([&](const StepView&) {
              ++shown;
              return std::vector<Violation>{};
            })});
  watched.run(5);
  EXPECT_EQ(watched.failures["a: no"], 5);
  EXPECT_EQ(watched.failures["b: an unknown exception"], 5);
  EXPECT_EQ(shown, 5);
  EXPECT_TRUE(watched.engine.findings().empty());
}

TEST(OwnAnalyzers, WhatDoesNotExistIsBlamedOnTheModel) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  Watched watched(net,
                  {analyzer([](const StepView&) { return std::vector{violation(4'000'000, Severity::warning)}; })});
  watched.run(2);
  const Finding* finding = watched.find("own");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->origin.where.part, "model");
}

TEST(OwnAnalyzers, OneThatFindsNothingLeavesTheReportAsItIs) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  Watched watched(net, {analyzer([](const StepView&) { return std::vector<Violation>{}; })});
  watched.run(60);
  EXPECT_TRUE(watched.engine.findings().empty());
  EXPECT_FALSE(watched.engine.broken());
}

TEST(OwnAnalyzers, AFindingHasPlaceCauseFixAndTheStepsOnWhichItShowed) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  const auto site = net.layer("fc2").site;
  Watched watched(net, {analyzer([&](const StepView& step) {
                    return step.step < 3 ? std::vector<Violation>{} : std::vector{violation(site, Severity::warning)};
                  })});
  watched.run(8);
  const Finding* finding = watched.find("own");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_EQ(finding->origin.where.layer, "fc2");
  EXPECT_EQ(finding->origin.step, 3U);
  EXPECT_EQ(finding->last_step, 7U);
  EXPECT_EQ(finding->causes.front().cause, Cause::wrong_layer_width);
  EXPECT_EQ(finding->causes.front().fix, "less of it");
  EXPECT_FALSE(watched.engine.broken());
}

TEST(OwnAnalyzers, ASeverityMayRiseAndAnErrorBreaksTheTraining) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  Watched watched(net, {analyzer([&](const StepView& step) {
                    return std::vector{violation(0, step.step < 4 ? Severity::advice : Severity::error)};
                  })});
  watched.run(4);
  EXPECT_FALSE(watched.engine.broken());
  watched.run(1);
  EXPECT_TRUE(watched.engine.broken());
  EXPECT_EQ(watched.engine.findings().size(), 1U);
}

TEST(OwnAnalyzers, AllThatOneFindsIsOneIncidentAndThatOfAnotherIsItsOwn) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  const auto both = [&](const StepView&) {
    return std::vector{violation(net.layer("fc2").site, Severity::warning),
                       violation(net.layer("fc1").site, Severity::warning)};
  };
  Watched watched(net, {analyzer(both, "first"), analyzer(both, "second")});
  watched.run(3);
  ASSERT_EQ(watched.engine.findings().size(), 2U);
  const Finding* finding = watched.find("first");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->origin.where.layer, "fc1") << "the earlier in the data flow";
  EXPECT_EQ(finding->followed_by_count, 1U);
}

TEST(OwnAnalyzers, AreShownWhatWasMeasured) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.loss = 0.25;
  net.learning_rate = 0.125;
  FakeLayer& fc1 = net.layer("fc1");
  fc1.forward.nan = 3;
  fc1.forward.positive_infinity = 1;
  fc1.forward.negative_infinity = 1;
  std::map<const Place*, int> places;
  Watched watched(net, {analyzer([&](const StepView& step) {
                    EXPECT_EQ(step.loss, 0.25);
                    EXPECT_EQ(step.learning_rate, 0.125);
                    EXPECT_EQ(step.step, step.pass);
                    EXPECT_TRUE(step.observed);
                    EXPECT_TRUE(step.applied);
                    EXPECT_FALSE(step.closure);
                    const Measurement* forward = step.find(fc1.site, Phase::forward);
                    EXPECT_NE(forward, nullptr);
                    if (forward != nullptr) {
                      ++places[forward->place];
                      EXPECT_EQ(forward->place->name, "fc1");
                      EXPECT_EQ(forward->place->layer, "fc1");
                      EXPECT_EQ(forward->place->op_class, OpClass::linear);
                      EXPECT_EQ(forward->nan, 3U);
                      EXPECT_EQ(forward->infinite, 2U);
                      EXPECT_TRUE(std::isnan(forward->weight_rms));
                    }
                    const Measurement* update = step.find(fc1.parameter, Phase::update);
                    EXPECT_EQ(update != nullptr, step.step > 0) << "the first update comes after the first step";
                    if (update != nullptr) {
                      EXPECT_EQ(update->place->name, "fc1.weight");
                      EXPECT_EQ(update->place->parameter, "weight");
                      EXPECT_NEAR(update->values.rms, 1e-4, 1e-9);
                      EXPECT_NEAR(update->weight_rms, 0.1, 1e-9);
                    }
                    EXPECT_EQ(step.find(fc1.site, Phase::update), nullptr);
                    return std::vector<Violation>{};
                  })});
  watched.run(3);
  ASSERT_EQ(places.size(), 1U) << "the same object on every step";
  EXPECT_EQ(places.begin()->second, 3);
}

}  // namespace
}  // namespace sonde::testing
