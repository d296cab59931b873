// A small GPT that learns to write six digits backwards. Only what follows the given digits is predicted.
#include <cmath>
#include <iostream>

#include <sonde/sonde.h>
#include <torch/torch.h>

namespace nn = torch::nn;
constexpr std::int64_t kDigits = 6, kLength = 2 * kDigits, kWidth = 48, kHeads = 4;

struct BlockImpl : nn::Module {
  torch::Tensor forward(torch::Tensor x) {
    const auto qkv = attend(norm1(x)).view({x.size(0), kLength, 3, kHeads, -1}).permute({2, 0, 3, 1, 4});
    const auto scores = qkv[0].matmul(qkv[1].transpose(2, 3)) / std::sqrt(kWidth / kHeads);
    const auto causal = scores.masked_fill(torch::ones({kLength, kLength}).triu(1) == 1, -INFINITY);
    const auto seen = causal.softmax(-1).matmul(qkv[2]).transpose(1, 2).flatten(2);
    x = x + project(seen);
    return x + down(torch::gelu(up(norm2(x))));
  }
  nn::LayerNorm norm1{register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({kWidth})))};
  nn::Linear attend{register_module("attend", nn::Linear(kWidth, 3 * kWidth))};
  nn::Linear project{register_module("project", nn::Linear(kWidth, kWidth))};
  nn::LayerNorm norm2{register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({kWidth})))};
  nn::Linear up{register_module("up", nn::Linear(kWidth, 4 * kWidth))};
  nn::Linear down{register_module("down", nn::Linear(4 * kWidth, kWidth))};
};
TORCH_MODULE(Block);

struct Gpt : nn::Module {
  torch::Tensor forward(const torch::Tensor& tokens) {
    auto x = token(tokens) + position(torch::arange(kLength));
    return head(norm(blocks->forward(x)));
  }
  nn::Embedding token{register_module("token", nn::Embedding(10, kWidth))};
  nn::Embedding position{register_module("position", nn::Embedding(kLength, kWidth))};
  nn::Sequential blocks{register_module("blocks", nn::Sequential(Block(), Block()))};
  nn::LayerNorm norm{register_module("norm", nn::LayerNorm(nn::LayerNormOptions({kWidth})))};
  nn::Linear head{register_module("head", nn::Linear(kWidth, 10))};
};

int main() {
  torch::manual_seed(0);
  Gpt gpt;
  torch::optim::AdamW optimizer(gpt.parameters(), torch::optim::AdamWOptions(3e-3).weight_decay(0.01));
  sonde::Monitor monitor(gpt, optimizer);
  double right = 0;
  for (int step = 0; step < 300; ++step) {
    const auto digits = torch::randint(10, {32, kDigits}, torch::kLong);
    const auto backwards = digits.flip(1);
    const auto logits = gpt.forward(torch::cat({digits, backwards}, 1)).narrow(1, kDigits - 1, kDigits);
    optimizer.zero_grad();
    monitor.backward(nn::functional::cross_entropy(logits.flatten(0, 1), backwards.flatten()));
    optimizer.step();
    right = (logits.argmax(-1) == backwards).to(torch::kDouble).mean().item<double>();
  }
  monitor.report().print(std::cout);
  std::cout << "right: " << right << '\n';
}
