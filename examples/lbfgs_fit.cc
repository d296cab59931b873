// A curve fitted with LBFGS: the monitor stands in the closure, which the optimizer calls as often as it likes.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  const auto t = torch::linspace(0, 8, 200);
  const auto measured = 1.5 * torch::exp(-0.3 * t) * torch::cos(2 * t) + 0.01 * torch::randn({200});

  auto amplitude = torch::ones({1}, torch::requires_grad());
  auto decay = torch::full({1}, 0.1, torch::requires_grad());
  auto frequency = torch::full({1}, 1.8, torch::requires_grad());
  torch::optim::LBFGS optimizer({amplitude, decay, frequency},
                                torch::optim::LBFGSOptions(1.0).max_iter(10).line_search_fn("strong_wolfe"));
  sonde::Monitor monitor({{"amplitude", amplitude}, {"decay", decay}, {"frequency", frequency}}, optimizer);

  for (int step = 0; step < 12; ++step) {
    optimizer.step([&] {
      optimizer.zero_grad();
      const auto curve = amplitude * torch::exp(-decay * t) * torch::cos(frequency * t);
      const auto loss = torch::mse_loss(curve, measured);
      monitor.backward(loss);
      return loss;
    });
  }
  monitor.report().print(std::cout);
  std::cout << "amplitude " << amplitude.item<float>() << ", decay " << decay.item<float>() << ", frequency "
            << frequency.item<float>() << '\n';
}
