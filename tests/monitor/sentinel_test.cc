// What is seen without a guard on steps that are not observed: a NaN that the backward pass makes in any layer.
#include <gtest/gtest.h>

#include "monitor/training.h"

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

class Sentinel : public testing::TestWithParam<std::tuple<bool, int>> {};

TEST_P(Sentinel, SeesANanThatTheBackwardPassMakes) {
  const auto [bias, bad] = GetParam();
  DeepNet net(bias);
  torch::optim::SGD optimizer(net.parameters(), 1e-3);
  Options options;
  options.background = false;
  options.first_steps = 1;
  options.overhead = 1e-9;
  Monitor monitor(net, optimizer, options);
  constexpr int kBad = 41;
  for (int step = 0; step <= kBad; ++step) {
    optimizer.zero_grad();
    const auto verdict = monitor.backward(net.loss(step == kBad ? bad : -1));
    EXPECT_EQ(verdict.ok, step != kBad) << step;
    optimizer.step();
  }
  EXPECT_LT(monitor.report().context.observed_steps, 5u);
}

INSTANTIATE_TEST_SUITE_P(BornInAnyLayer, Sentinel, testing::Combine(testing::Bool(), testing::Values(0, 1, 2)));

}  // namespace
}  // namespace sonde::tests
