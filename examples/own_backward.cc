// For programs that call backward() themselves: clip, then let the monitor check what the optimizer will apply.
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

struct Net : torch::nn::Module {
  Net() {
    register_module("lstm", lstm);
    register_module("head", head);
  }
  torch::Tensor forward(const torch::Tensor& x) { return head(std::get<0>(lstm(x))); }

  torch::nn::LSTM lstm{torch::nn::LSTMOptions(1, 16).batch_first(true)};
  torch::nn::Linear head{16, 1};
};

int main() {
  torch::manual_seed(0);
  Net net;
  torch::optim::Adam optimizer(net.parameters(), 1e-2);
  sonde::Monitor monitor(net, optimizer);

  double last_loss = 0;
  for (int step = 0; step < 300; ++step) {
    const auto start = torch::rand({32, 1, 1}) * 6;
    const auto wave = (start + torch::arange(21).view({1, 21, 1}) * 0.3).sin();
    const auto loss = torch::mse_loss(net.forward(wave.narrow(1, 0, 20)), wave.narrow(1, 1, 20));

    optimizer.zero_grad();
    loss.backward();
    torch::nn::utils::clip_grad_norm_(net.parameters(), 0.5);
    if (!monitor.check(loss)) break;  // a Verdict is false if the loss or a gradient is not finite
    optimizer.step();
    last_loss = loss.item<double>();
  }
  monitor.report().print(std::cout);
  std::cout << "loss " << last_loss << '\n';
}
