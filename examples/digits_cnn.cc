// A convolutional network on handwritten digits, as most programs are: epochs, batches, evaluation in between.
#include <cstdio>
#include <iostream>

#include <digits.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;

struct Net : nn::Module {
  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(norm1(conv1(x))), 2);
    x = torch::max_pool2d(torch::relu(norm2(conv2(x))), 2);
    x = torch::relu(fc1(x.flatten(1)));
    return fc2(drop(x));
  }

  nn::Conv2d conv1{register_module("conv1", nn::Conv2d(nn::Conv2dOptions(1, 16, 3).padding(1).bias(false)))};
  nn::BatchNorm2d norm1{register_module("norm1", nn::BatchNorm2d(16))};
  nn::Conv2d conv2{register_module("conv2", nn::Conv2d(nn::Conv2dOptions(16, 32, 3).padding(1).bias(false)))};
  nn::BatchNorm2d norm2{register_module("norm2", nn::BatchNorm2d(32))};
  nn::Linear fc1{register_module("fc1", nn::Linear(128, 64))};
  nn::Dropout drop{register_module("drop", nn::Dropout(0.3))};
  nn::Linear fc2{register_module("fc2", nn::Linear(64, 10))};
};

double accuracy(Net& net, const Digits& digits) {
  torch::NoGradGuard no_grad;  // evaluation is no training; the monitor passes it over
  net.eval();
  const auto right = net.forward(digits.images).argmax(1) == digits.labels;
  net.train();
  return right.to(torch::kDouble).mean().item<double>();
}

int main() {
  torch::manual_seed(0);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  Net net;
  torch::optim::Adam optimizer(net.parameters(), 2e-3);
  sonde::Monitor monitor(net, optimizer);

  for (int epoch = 1; epoch <= 6; ++epoch) {
    for (const auto& index : torch::randperm(training.size()).split(64)) {
      const auto batch = training.rows(index);
      optimizer.zero_grad();
      monitor.backward(nn::functional::cross_entropy(net.forward(batch.images), batch.labels));
      optimizer.step();
    }
    std::printf("epoch %d  accuracy %.3f\n", epoch, accuracy(net, held_out));
  }
  monitor.report().print(std::cout);
}
