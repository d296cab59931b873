// A user's program, as small as it gets. Fails unless the monitor saw the training.
#include <torch/torch.h>

#include <iostream>

#include <sonde/sonde.h>

int main() {
  torch::manual_seed(1);
  torch::nn::Sequential net(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 1));
  torch::optim::SGD optimizer(net->parameters(), 0.05);
  sonde::Monitor monitor(net, optimizer);
  for (int step = 0; step < 20; ++step) {
    auto x = torch::randn({16, 4});
    optimizer.zero_grad();
    monitor.backward(torch::mse_loss(net->forward(x), x.sum(1, true)));
    optimizer.step();
  }

  const sonde::Report report = monitor.report();
  report.print(std::cout);
  // The loss is known from the inputs of the operations, which is what a build without NDEBUG might not see.
  const bool seen = report.context.observed_steps > 0 && report.context.layers == 2 && !report.context.loss.empty();
  return seen && report.count(sonde::Severity::warning) == 0 ? 0 : 1;
}
