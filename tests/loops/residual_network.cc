// S6: a residual network with batch normalisation, momentum, weight decay and a learning rate that drops.
//
// Odd but healthy: the rate falls to a tenth twice, through the parameter group; the last batch is smaller; validation
// sets eval() but forgets NoGradGuard and so builds graphs that nobody uses; the network reaches zero training error,
// after which loss and gradients are tiny.
#include <digits.h>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

torch::nn::Conv2dOptions conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false);
}

class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride = 1)
      : conv1(conv3x3(in, out, stride)), bn1(out), conv2(conv3x3(out, out)), bn2(out) {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("relu", relu);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    if (stride != 1 || in != out) {
      downsample = torch::nn::Sequential(torch::nn::Conv2d(conv3x3(in, out, stride)), torch::nn::BatchNorm2d(out));
      register_module("downsample", downsample);
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    auto out = relu->forward(bn1->forward(conv1->forward(x)));
    out = bn2->forward(conv2->forward(out));
    out += downsample.is_empty() ? x : downsample->forward(x);
    return relu->forward(out);
  }

 private:
  torch::nn::Conv2d conv1;
  torch::nn::BatchNorm2d bn1;
  torch::nn::Conv2d conv2;
  torch::nn::BatchNorm2d bn2;
  torch::nn::ReLU relu{torch::nn::ReLUOptions(/*inplace=*/true)};
  torch::nn::Sequential downsample{nullptr};
};
TORCH_MODULE(ResidualBlock);

class ResNetImpl : public torch::nn::Module {
 public:
  ResNetImpl()
      : stem(torch::nn::Conv2d(conv3x3(1, 8)), torch::nn::BatchNorm2d(8), torch::nn::ReLU()),
        layer1(ResidualBlock(8, 8)),
        layer2(ResidualBlock(8, 16, 2), ResidualBlock(16, 16)),
        pool(torch::nn::AdaptiveAvgPool2dOptions({1, 1})),
        fc(16, 10) {
    register_module("stem", stem);
    register_module("layer1", layer1);
    register_module("layer2", layer2);
    register_module("pool", pool);
    register_module("fc", fc);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    return fc->forward(pool->forward(layer2->forward(layer1->forward(stem->forward(x)))).flatten(1));
  }

 private:
  torch::nn::Sequential stem, layer1, layer2;
  torch::nn::AdaptiveAvgPool2d pool;
  torch::nn::Linear fc;
};
TORCH_MODULE(ResNet);

}  // namespace

Outcome residual_network(Watch& watch) {
  torch::manual_seed(6);
  const auto [training, held_out] = split(load_digits(SONDE_DIGITS_CSV));
  ResNet model;
  torch::optim::SGD optimizer(model->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(1e-4));
  auto watched = watch.attach(model, optimizer, "resnet");

  std::vector<double> losses;
  double accuracy = 0;
  for (int epoch = 0; epoch < 12; ++epoch) {
    if (epoch == 6 || epoch == 9) {
      for (auto& group : optimizer.param_groups()) group.options().set_lr(group.options().get_lr() / 10);
    }
    model->train();
    for (const auto& index : torch::randperm(training.size()).split(100)) {
      const auto batch = training.rows(index);
      optimizer.zero_grad();
      auto loss = torch::nn::functional::cross_entropy(model->forward(batch.images), batch.labels);
      watched.backward(loss);
      optimizer.step();
      losses.push_back(loss.item<double>());
    }
    model->eval();
    accuracy = model->forward(held_out.images).argmax(1).eq(held_out.labels).to(torch::kDouble).mean().item<double>();
  }
  return finish(losses, *model, accuracy);
}

}  // namespace sonde::loops
