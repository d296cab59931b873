// Preflight: looks at a network that was put together wrongly, before the first update, and leaves it as it is.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

#include "digits.h"

struct Net : torch::nn::Module {
  torch::Tensor forward(torch::Tensor x) {
    x = x.view({64, -1}).t();  // meant: flatten(1)
    x = torch::relu(fc1(x));
    return fc2(x.detach());  // a line left over from debugging
  }
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(64, 32))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(32, 10))};
};

int main() {
  torch::manual_seed(0);
  const auto digits = load_digits(SONDE_DIGITS_CSV).rows(torch::randperm(1797).slice(0, 0, 32));
  Net net;
  torch::optim::Adam optimizer(net.parameters(), 1e-3);

  auto loss_of = [&](const at::Tensor& images) {
    return torch::nn::functional::cross_entropy(net.forward(images), digits.labels);
  };
  auto report = sonde::preflight(net, loss_of, digits.images, optimizer, sonde::PreflightOptions::all());
  report.print(std::cout);
  std::cout << "still there: " << (net.fc1->weight.grad().defined() ? "a gradient" : "no gradient") << '\n';
}
