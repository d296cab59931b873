// A user's analyzers in real programs.
#include <functional>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include <sonde/analyzer.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

class OwnAnalyzer : public Analyzer {
 public:
  using Look = std::function<std::vector<Violation>(const StepView&)>;
  explicit OwnAnalyzer(Look look) : look_(std::move(look)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "own"; }
  [[nodiscard]] std::vector<Violation> end_of_step(const StepView& step) override { return look_(step); }

 private:
  Look look_;
};

Options with(OwnAnalyzer::Look look, OnFault on_fault = OnFault::report) {
  Options options = observed(on_fault);
  options.own_analyzers = {std::make_shared<OwnAnalyzer>(std::move(look))};
  return options;
}

// Finds fault with the output of fc2, as badly as told.
OwnAnalyzer::Look fault_with_fc2(Severity severity) {
  return [severity](const StepView& step) {
    std::vector<Violation> found;
    for (const Measurement& one : step.measurements) {
      if (one.place->name != "fc2" || one.phase != Phase::forward) continue;
      Violation violation;
      violation.severity = severity;
      violation.operation = one.place->id;
      violation.message = "not to our taste";
      found.push_back(std::move(violation));
    }
    return found;
  };
}

TEST(OwnAnalyzers, AnErrorStopsTheProgramBeforeItsFirstUpdateAndAWarningDoesNot) {
  for (const Severity severity : {Severity::error, Severity::warning}) {
    Net net;
    torch::optim::SGD optimizer(net.parameters(), 0.01);
    Monitor monitor(net, optimizer, with(fault_with_fc2(severity), OnFault::abort));
    if (severity == Severity::error) {
      EXPECT_THROW(train_step(net, optimizer, monitor), FaultFound);
    } else {
      EXPECT_NO_THROW(train_step(net, optimizer, monitor));
    }
    const Report report = monitor.report();
    const Finding* finding = find(report, "own");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->severity, severity);
    EXPECT_EQ(finding->origin.where.layer, "fc2");
    EXPECT_TRUE(finding->origin.where.source.known()) << "the line in Net::forward";
  }
}

TEST(OwnAnalyzers, SeeOperationsGradientsWeightsAndUpdates) {
  std::set<std::pair<std::string, Phase>> seen;
  const auto look = [&](const StepView& step) {
    for (const Measurement& one : step.measurements) seen.emplace(one.place->name, one.phase);
    EXPECT_TRUE(step.observed);
    EXPECT_EQ(step.batch_size, 16U);
    EXPECT_EQ(step.learning_rate, 0.01);
    return std::vector<Violation>{};
  };
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  Monitor monitor(net, optimizer, with(look));
  train(net, optimizer, monitor, 3);
  EXPECT_TRUE(monitor.report().findings.empty());
  for (const Phase phase : {Phase::forward, Phase::backward}) EXPECT_TRUE(seen.contains({"fc1", phase}));
  for (const Phase phase : {Phase::gradient, Phase::weight, Phase::update})
    EXPECT_TRUE(seen.contains({"fc1.weight", phase}));
  EXPECT_TRUE(seen.contains({"relu after fc1", Phase::forward}));
}

}  // namespace
}  // namespace sonde::tests
