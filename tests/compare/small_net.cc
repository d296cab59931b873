#include "tests/compare/small_net.h"

namespace sonde::tests {
namespace {

constexpr int kChannels = 8;

// Multiplies a batch norm into the convolution before it.
at::Tensor folded(const torch::nn::Conv2d& conv, const torch::nn::BatchNorm2d& bn, const at::Tensor& x) {
  const auto factor = bn->weight / torch::sqrt(bn->running_var + bn->options.eps());
  return torch::conv2d(x, conv->weight * factor.reshape({-1, 1, 1, 1}), bn->bias - bn->running_mean * factor, 1, 1);
}

}  // namespace

Block::Block(int channels, const Writing& how) : writing(how) {
  conv1 = register_module("conv1",
                          torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 3).padding(1).bias(false)));
  bn1 = register_module("bn1", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).eps(how.eps)));
  conv2 = register_module("conv2",
                          torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 3).padding(1).bias(false)));
  bn2 = register_module("bn2", torch::nn::BatchNorm2d(channels));
}

at::Tensor Block::forward(const at::Tensor& x, const at::Tensor& shortcut) {
  at::Tensor y;
  if (writing.middle == Writing::Middle::before_norm) {
    y = bn1(torch::relu(conv1(x)));
  } else {
    y = writing.folded ? folded(conv1, bn1, x) : bn1(conv1(x));
    if (writing.middle == Writing::Middle::relu) y = torch::relu(y);
    if (writing.middle == Writing::Middle::leaky) y = torch::leaky_relu(y, 0.1);
    if (writing.middle == Writing::Middle::relu6) y = torch::relu6(y);
  }
  y = writing.folded ? folded(conv2, bn2, y) : bn2(conv2(y));
  if (writing.residual) y = y + (writing.residual_of_input ? x : shortcut);
  return torch::relu_(y);
}

SmallNet::SmallNet(const Writing& how) : writing(how) {
  Writing plain;
  Writing first = plain;
  first.folded = how.folded;
  stem = register_module("stem", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, kChannels, 3).padding(1)));
  block1 = register_module("block1", std::make_shared<Block>(kChannels, first));
  Writing second = how;
  second.folded = false;
  block2 = register_module("block2", std::make_shared<Block>(kChannels, second));
  block3 = register_module("block3", std::make_shared<Block>(kChannels, plain));
  hidden = register_module("hidden", torch::nn::Linear(kChannels * 4 * 4, 32));
  norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({32})));
  dropout = register_module("dropout", torch::nn::Dropout(0.5));
  head = register_module("head", torch::nn::Linear(32, 10));
}

at::Tensor SmallNet::forward(const at::Tensor& x) {
  const auto start = torch::relu(stem(x));
  auto y = block1->forward(start, start);
  y = block3->forward(block2->forward(y, start), start);
  y = torch::avg_pool2d(y, 4).flatten(1);
  if (writing.spelled_out) {
    y = torch::matmul(y, hidden->weight.t()) + hidden->bias;
    y = norm(y);
    y = 0.5 * y * (1 + torch::erf(y / std::sqrt(2.0)));
    y = dropout(y);
    y = torch::nn::functional::linear(y, head->weight, head->bias);
    y = torch::exp(y - std::get<0>(y.max(1, true)));
    return y / y.sum(1, true);
  }
  return torch::softmax(head(dropout(torch::gelu(norm(hidden(y))))), writing.softmax_dim);
}

std::shared_ptr<SmallNet> reference_net() {
  torch::manual_seed(1);
  auto net = std::make_shared<SmallNet>();
  const torch::NoGradGuard no_grad;
  net->train();
  for (int i = 0; i < 5; ++i) net->forward(torch::randn({16, 3, 16, 16}) * 2 + 0.3);
  for (auto& item : net->named_parameters())
    if (item.key().find("bn") != std::string::npos) item.value().add_(0.2 * torch::randn_like(item.value()));
  net->eval();
  return net;
}

std::shared_ptr<SmallNet> port_of(const SmallNet& reference, const Writing& writing) {
  auto port = std::make_shared<SmallNet>(writing);
  const torch::NoGradGuard no_grad;
  const auto parameters = reference.named_parameters(), buffers = reference.named_buffers();
  for (auto& item : port->named_parameters()) item.value().copy_(parameters[item.key()]);
  for (auto& item : port->named_buffers()) item.value().copy_(buffers[item.key()]);
  port->eval();
  return port;
}

at::Tensor images(int count) {
  torch::manual_seed(2);
  return torch::randn({count, 3, 16, 16});
}

}  // namespace sonde::tests
