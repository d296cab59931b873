// Four small batches to one update, and gradients clipped before it: backward passes that belong to one step are told by
// what happens in between, not by how often backward() is called.
#include <iostream>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;

int main() {
  torch::manual_seed(0);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  nn::Sequential net(nn::Flatten(), nn::Linear(64, 64), nn::Tanh(), nn::Linear(64, 10));
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  torch::optim::StepLR schedule(optimizer, /*step_size=*/4, /*gamma=*/0.5);
  sonde::Monitor monitor(net, optimizer);

  constexpr int kAccumulate = 4;
  std::int64_t updates = 0;
  for (int epoch = 0; epoch < 10; ++epoch) {
    int waiting = 0;
    optimizer.zero_grad();
    for (const auto& index : torch::randperm(training.size()).split(16)) {
      const auto batch = training.rows(index);
      const auto loss = nn::functional::cross_entropy(net->forward(batch.images), batch.labels);
      monitor.backward(loss / kAccumulate);  // gradients add up
      if (++waiting < kAccumulate) continue;
      nn::utils::clip_grad_norm_(net->parameters(), 1.0);
      optimizer.step();
      optimizer.zero_grad();
      waiting = 0;
      ++updates;
    }
    schedule.step();
  }
  monitor.report().print(std::cout);

  torch::NoGradGuard no_grad;
  const auto right = net->forward(held_out.images).argmax(1) == held_out.labels;
  std::cout << updates << " updates, accuracy " << right.to(torch::kDouble).mean().item<double>() << '\n';
}
