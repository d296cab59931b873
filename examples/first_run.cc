// The first run: one object and one changed line in a loop that was there before.
#include <iostream>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

int main() {
  torch::manual_seed(0);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  torch::nn::Sequential net(torch::nn::Flatten(), torch::nn::Linear(64, 32), torch::nn::ReLU(),
                            torch::nn::Linear(32, 10));
  torch::optim::Adam optimizer(net->parameters(), 1e-2);

  sonde::Monitor monitor(net, optimizer);  // the one object
  for (int epoch = 0; epoch < 8; ++epoch) {
    for (const auto& index : torch::randperm(training.size()).split(64)) {
      const auto batch = training.rows(index);
      optimizer.zero_grad();
      auto loss = torch::nn::functional::cross_entropy(net->forward(batch.images), batch.labels);
      monitor.backward(loss);  // the one changed line: it was loss.backward()
      optimizer.step();
    }
  }
  monitor.report().print(std::cout);

  torch::NoGradGuard no_grad;
  const auto right = net->forward(held_out.images).argmax(1) == held_out.labels;
  std::cout << "accuracy " << right.to(torch::kDouble).mean().item<double>() << '\n';
}
