// The report as data: read its fields, or write it as JSON for other programs.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(10, 20), torch::nn::ReLU(), torch::nn::Linear(20, 1));
  torch::optim::SGD optimizer(net->parameters(), 0.001);
  sonde::Monitor monitor(net, optimizer);

  for (int step = 0; step < 100; ++step) {
    const auto x = torch::randn({32, 10});
    monitor.backward(torch::mse_loss(net->forward(x), x.sum(1, /*keepdim=*/true)));
    optimizer.step();  // and where is optimizer.zero_grad()?
  }

  const sonde::Report report = monitor.report();
  for (const auto& finding : report.findings) {
    std::cerr << to_string(finding.severity) << ' ' << to_string(finding.causes.front().cause) << ": "
              << finding.origin.message << '\n';
  }
  std::cout << report.to_json() << '\n';
}
