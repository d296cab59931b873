// Without any module: tensors with names, here a line fitted to points, with an optimizer for each.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  auto slope = torch::zeros({1}, torch::requires_grad());
  auto offset = torch::zeros({1}, torch::requires_grad());
  torch::optim::Adam slope_optimizer({slope}, 0.05), offset_optimizer({offset}, 0.1);
  sonde::Monitor monitor(sonde::NamedTensors{{"slope", slope}, {"offset", offset}}, slope_optimizer);
  monitor.follow({&slope_optimizer, &offset_optimizer});

  for (int step = 0; step < 300; ++step) {
    const auto x = torch::rand({32});
    const auto y = 2 * x - 1 + 0.01 * torch::randn({32});
    slope_optimizer.zero_grad();
    offset_optimizer.zero_grad();
    monitor.backward(torch::mse_loss(slope * x + offset, y));
    slope_optimizer.step();
    offset_optimizer.step();
  }
  monitor.report().print(std::cout);
  std::cout << "slope " << slope.item<float>() << ", offset " << offset.item<float>() << '\n';
}
