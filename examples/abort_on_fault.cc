// Stopping before the damage: the monitor throws before the optimizer can apply a poisoned gradient.
#include <iostream>
#include <limits>

#include <sonde/sonde.h>
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  torch::nn::Sequential net(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 1));
  torch::optim::Adam optimizer(net->parameters(), 1e-2);
  sonde::Options options;
  options.on_fault = sonde::OnFault::abort;
  sonde::Monitor monitor(net, optimizer, options);

  try {
    for (int step = 0; step < 200; ++step) {
      auto x = torch::randn({16, 4});
      if (step == 120) x[3][1] = std::numeric_limits<float>::quiet_NaN();  // one broken row in the data
      optimizer.zero_grad();
      const auto y = x.nan_to_num().sum(1, /*keepdim=*/true);
      monitor.backward([&] { return torch::mse_loss(net->forward(x), y); });
      optimizer.step();
    }
  } catch (const sonde::FaultFound& fault) {
    std::cout << fault.what() << '\n';
    std::cout << "stopped at step " << fault.finding().origin.step << '\n';
  }

  bool finite = true;
  for (const auto& parameter : net->parameters()) finite = finite && parameter.isfinite().all().item<bool>();
  std::cout << "all weights finite: " << (finite ? "yes" : "no") << '\n';
  return finite ? 0 : 1;
}
