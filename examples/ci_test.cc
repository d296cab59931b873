// Tests of a training program: can the model learn, is the loop healthy, and is a known fault still found?
#include <gtest/gtest.h>
#include <sonde/sonde.h>
#include <sonde/testing.h>
#include <torch/torch.h>

struct Net : torch::nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return fc2(torch::relu(fc1(x))); }
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(6, 32))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(32, 3))};
};

// The loop of the program, for a few steps; `clear` is what a careless change might take out.
sonde::Report train(int steps, bool clear = true) {
  torch::manual_seed(0);
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.1);
  sonde::Monitor monitor(net, optimizer, {.every_step = true});  // the same report on every machine
  for (int step = 0; step < steps; ++step) {
    const auto x = torch::randn({64, 6});
    const auto y = x.slice(1, 0, 3).argmax(1);
    if (clear) optimizer.zero_grad();
    monitor.backward(torch::nn::functional::cross_entropy(net.forward(x), y));
    optimizer.step();
  }
  return monitor.report();
}

TEST(Net, Trains) {
  torch::manual_seed(0);
  Net net;
  const auto x = torch::randn({64, 6});
  const auto y = x.slice(1, 0, 3).argmax(1);
  EXPECT_TRAINS(net, [&] { return torch::nn::functional::cross_entropy(net.forward(x), y); });
}

TEST(Loop, IsHealthy) { EXPECT_NO_FINDINGS(train(100)); }

TEST(Loop, ForgottenZeroGradIsFound) {
  EXPECT_FINDING(train(20, /*clear=*/false), sonde::Cause::missing_zero_grad, "loop");
}
