// What is seen without a guard on steps that are not observed: a NaN that the backward pass makes in any layer.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "monitor/inspect.h"
#include "monitor/training.h"
#include "probes/parameter_probe.h"
#include "trace/record.h"

namespace sonde::tests {
namespace {

// Weights too large to be read on every step.
struct DeepNet : torch::nn::Module {
  explicit DeepNet(bool bias) {
    torch::manual_seed(2);
    for (int i = 0; i < kLayers; ++i) {
      layers.push_back(torch::nn::Linear(torch::nn::LinearOptions(kWidth, kWidth).bias(bias)));
      register_module("layer" + std::to_string(i), layers.back());
    }
  }

  // `bad`: the layer whose output gets a gradient that is NaN: the slope of sqrt at zero is infinite, times zero.
  torch::Tensor loss(int bad = -1) {
    auto x = torch::randn({16, kWidth});
    torch::Tensor extra = torch::zeros({});
    for (int i = 0; i < kLayers; ++i) {
      x = torch::relu(layers[static_cast<std::size_t>(i)](x));
      if (i == bad) extra = torch::sqrt((x * 0).pow(2).sum());
    }
    return x.pow(2).mean() + extra;
  }

  static constexpr int kLayers = 3;
  static constexpr std::int64_t kWidth = 40;
  std::vector<torch::nn::Linear> layers;
};

Options hardly_ever() {
  Options options;
  options.background = false;
  options.first_steps = 1;
  options.overhead = 1e-9;
  return options;
}

class Sentinel : public testing::TestWithParam<std::tuple<bool, int>> {};

TEST_P(Sentinel, SeesANanThatTheBackwardPassMakes) {
  const auto [bias, bad] = GetParam();
  for (const int last : {41, 50, 54, 55, 56, 57}) {  // at different places of a row of brisk steps
    DeepNet net(bias);
    torch::optim::SGD optimizer(net.parameters(), 1e-3);
    Monitor monitor(net, optimizer, hardly_ever());
    for (int step = 0; step <= last; ++step) {
      optimizer.zero_grad();
      const auto verdict = monitor.backward(net.loss(step == last ? bad : -1));
      EXPECT_EQ(verdict.ok, step != last) << step;
      optimizer.step();
    }
    const auto report = monitor.report();
    EXPECT_LT(report.context.observed_steps, 5u);
    ASSERT_EQ(report.findings.size(), 1u) << last;
    EXPECT_EQ(report.findings[0].origin.step, static_cast<std::uint64_t>(last));
  }
}

TEST(BriskSteps, AreGuarded) {
  for (const int bad : {41, 50, 54, 55, 56, 57}) {
    DeepNet net(true);
    torch::optim::SGD optimizer(net.parameters(), 1e-3);
    auto options = hardly_ever();
    options.on_fault = OnFault::skip;
    Monitor monitor(net, optimizer, options);
    for (int step = 0; step < 70; ++step) {
      optimizer.zero_grad();
      const auto verdict =
          monitor.backward([&] { return step == bad ? net.loss() / 0 : net.loss(step == 60 ? 1 : -1); });
      EXPECT_EQ(verdict.applied, step != bad && step != 60) << step;
      optimizer.step();
    }
    for (const auto& parameter : net.parameters()) EXPECT_TRUE(at::isfinite(parameter).all().item<bool>()) << bad;
  }
}

// Steps on which little is asked are numbered and told like all others: of a loop that begins to accumulate on
// any step of such a row.
TEST(BriskSteps, NumberALoopThatChangesItsWays) {
  for (const int change : {60, 61, 65, 70, 74, 75, 76}) {
    DeepNet net(true);
    torch::optim::SGD optimizer(net.parameters(), 1e-3);
    Monitor monitor(net, optimizer, hardly_ever());
    monitor::Inspector inspector(monitor);
    constexpr int kSteps = 100;
    for (int step = 0; step < kSteps; ++step) {
      optimizer.zero_grad();
      for (int pass = 0; pass < (step < change ? 1 : 2); ++pass) (void)monitor.backward(net.loss());
      optimizer.step();
    }
    std::vector<std::uint64_t> losses, ends;
    for (const auto& record : inspector.records()) {
      if (record.kind == trace::RecordKind::loss) losses.push_back(record.step);
      if (record.kind == trace::RecordKind::step_end) ends.push_back(record.step);
    }
    std::vector<std::uint64_t> wanted;
    for (int step = 0; step < kSteps; ++step) wanted.insert(wanted.end(), step < change ? 1 : 2, step);
    EXPECT_EQ(losses, wanted) << change;
    EXPECT_EQ(ends, wanted) << change;
  }
}

// Sums may overflow, turns come and go: what the look of a brisk step finds wrong is not forgotten by the ordinary look
// that follows it, and what is only large is not taken for infinite.
TEST(BriskSteps, FindWhatTheOrdinaryLookFinds) {
  DeepNet net(true);
  probes::ModuleMap modules;
  modules.rescan(net);
  probes::OptimizerView optimizers;
  probes::ParameterProbe probe(modules, optimizers);
  probe.modules_changed();
  for (auto& parameter : net.parameters())
    parameter.mutable_grad() = at::full_like(parameter, std::numeric_limits<float>::max());
  for (int turn = 0; turn < 100; ++turn) EXPECT_TRUE(probe.check_gradients_briskly()) << turn;
  net.layers[1]->weight.mutable_grad().view(-1)[1234] = NAN;
  int found = 0;
  for (int turn = 0; turn < 3000; ++turn) {
    if (probe.check_gradients_briskly()) continue;
    ++found;
    EXPECT_FALSE(probe.check_gradients(false).finite) << turn;
  }
  EXPECT_GT(found, 0);
}

INSTANTIATE_TEST_SUITE_P(BornInAnyLayer, Sentinel, testing::Combine(testing::Bool(), testing::Values(0, 1, 2)));

}  // namespace
}  // namespace sonde::tests
