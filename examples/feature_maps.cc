// A hook that keeps what a convolution makes of an image, and draws it: features without a change in the model.
#include <iostream>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;

void draw(const torch::Tensor& map) {  // [8, 8], at least 0
  const auto ink = (map / map.max().clamp_min(1e-6) * 4).round().to(torch::kLong);
  for (std::int64_t y = 0; y < 8; ++y) {
    for (std::int64_t x = 0; x < 8; ++x) std::cout << " .:*#"[ink[y][x].item<std::int64_t>()] << ' ';
    std::cout << '\n';
  }
}

int main() {
  torch::manual_seed(0);
  const auto digits = load_digits(SONDE_DIGITS_CSV);
  nn::Conv2d conv(nn::Conv2dOptions(1, 6, 3).padding(1));
  nn::Sequential net(conv, nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(6 * 16, 10));
  torch::optim::Adam optimizer(net->parameters(), 5e-3);
  sonde::Monitor monitor(net, optimizer);

  torch::Tensor maps;
  int calls = 0;
  auto hook = monitor.hooks().on_forward(*conv, [&](const auto&, const auto&, const auto& outputs) {
    maps = torch::relu(outputs[0].detach()).clone();  // a copy: the tensor is the training's
    ++calls;
  });
  Digits batch;
  for (int epoch = 0; epoch < 4; ++epoch) {
    for (const auto& index : torch::randperm(digits.size()).split(64)) {
      batch = digits.rows(index);
      optimizer.zero_grad();
      monitor.backward(nn::functional::cross_entropy(net->forward(batch.images), batch.labels));
      optimizer.step();
    }
  }
  hook.remove();  // a hook makes every step an observed one; without it the monitor costs little again

  std::cout << calls << " calls; a " << batch.labels[0].item<std::int64_t>()
            << ", and the map that it lights up most:\n";
  const auto strongest = maps[0].flatten(1).sum(1).argmax().item<std::int64_t>();
  draw(batch.images[0][0]);
  std::cout << "----------------\n";
  draw(maps[0][strongest]);
}
