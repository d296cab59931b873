// Forward and backward hooks, without a change in the model: prints the shapes that pass through two layers.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(1, 4, 3).padding(1));
  torch::nn::Sequential net(conv, torch::nn::ReLU(), torch::nn::Flatten(), torch::nn::Linear(4 * 8 * 8, 10));
  torch::optim::SGD optimizer(net->parameters(), 0.1);
  sonde::Monitor monitor(net, optimizer);

  const auto forward = monitor.hooks().on_forward(*conv, [](const auto& path, const auto& inputs, const auto& outputs) {
    std::cout << "forward of " << path << ": " << inputs[0].sizes() << " -> " << outputs[0].sizes() << '\n';
  });
  auto backward = monitor.hooks().on_backward("3", [](const auto& path, const auto& grad_outputs) {
    std::cout << "backward of " << path << ": " << grad_outputs[0].sizes() << ", norm "
              << grad_outputs[0].norm().template item<float>() << '\n';
  });

  for (int step = 0; step < 3; ++step) {
    if (step == 2) backward.remove();  // a handle removes its hook when it dies, or when it is asked to
    optimizer.zero_grad();
    const auto output = net->forward(torch::randn({5, 1, 8, 8}));
    monitor.backward(torch::nn::functional::cross_entropy(output, torch::randint(10, {5}, torch::kLong)));
    optimizer.step();
  }
}
