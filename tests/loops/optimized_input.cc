// S11: style transfer: the network stands still and the picture it looks at is trained.
//
// Odd but healthy: the network is in eval() mode and none of its parameters requires a gradient; the one trained tensor
// is no parameter of any module; losses are sums in the thousands over several layers; the picture is clamped between
// steps.
#include "loops/loop.h"

namespace sonde::loops {
namespace {

torch::Tensor gram(const torch::Tensor& features) {
  const auto flat = features.view({features.size(1), -1});
  return flat.mm(flat.t()) / static_cast<double>(flat.size(1));
}

}  // namespace

Outcome optimized_input(Watch& watch) {
  torch::manual_seed(12);
  torch::nn::Sequential vgg(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).padding(1)), torch::nn::ReLU(),
                            torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 32, 3).padding(1)), torch::nn::ReLU(),
                            torch::nn::MaxPool2d(2), torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 32, 3).padding(1)),
                            torch::nn::ReLU());
  vgg->eval();
  for (auto& parameter : vgg->parameters()) parameter.set_requires_grad(false);
  const auto features = [&](torch::Tensor x) {
    std::vector<torch::Tensor> outputs;
    for (auto& layer : *vgg) {
      x = layer.forward(x);
      if (layer.ptr()->as<torch::nn::ReLU>()) outputs.push_back(x);
    }
    return outputs;
  };

  const auto content = torch::rand({1, 3, 24, 24});
  const auto line = torch::linspace(0, 20, 24);
  const auto style = (line.view({1, 1, 1, 24}) + line.view({1, 1, 24, 1})).sin().expand({1, 3, 24, 24}) * 0.5 + 0.5;
  const auto content_features = features(content), style_features = features(style);
  auto image = torch::rand({1, 3, 24, 24}).set_requires_grad(true);
  torch::optim::Adam optimizer({image}, torch::optim::AdamOptions(0.03));
  auto watched = watch.attach(NamedTensors{{"image", image}}, optimizer, "style");

  std::vector<double> losses;
  for (int step = 0; step < 150; ++step) {
    optimizer.zero_grad();
    const auto outputs = features(image);
    auto loss = 100 * torch::mse_loss(outputs[1], content_features[1], torch::Reduction::Sum);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      loss = loss + 1e4 * torch::mse_loss(gram(outputs[i]), gram(style_features[i]), torch::Reduction::Sum);
    }
    watched.backward(loss);
    optimizer.step();
    losses.push_back(loss.item<double>());
    torch::NoGradGuard no_grad;
    image.clamp_(0, 1);
  }
  return finish(losses, {image}, losses.front() / losses.back());
}

}  // namespace sonde::loops
