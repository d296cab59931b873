// S7: a tiny GPT on characters, with AdamW, warm-up and cosine decay.
//
// Odd but healthy: the learning rate is 0 on the first step and rewritten on every one; the loss is handed over as a
// closure; attention scores are masked with -inf; the embedding is used twice, as input and as output layer; evaluation
// and sampling interrupt the loop; weight decay applies to one of two parameter groups.
#include <cmath>
#include <limits>
#include <numbers>

#include "loops/loop.h"

namespace sonde::loops {
namespace {

constexpr std::int64_t kContext = 32, kWidth = 48, kHeads = 4, kVocabulary = 28;

constexpr const char* kText =
    "a sonde is a probe that is lowered through the layers of a thing that nobody can look into and that reports what "
    "it "
    "passes on its way down the miners lowered lamps into the shafts to see whether the air was good and the sailors "
    "lowered lead on a line to learn how deep the water was and of what the ground was made the meteorologists sent "
    "them "
    "up instead under balloons and the physicians kept theirs small a network has layers too and what goes wrong in "
    "the "
    "depth of it shows late at the surface when the loss is no number any more the line that was lowered in time would "
    "have told at which depth the water turned and so one would have saved the voyage ";

torch::Tensor encode(const std::string& text) {
  std::vector<std::int64_t> codes;
  for (const char c : text) codes.push_back(c == ' ' ? 0 : c - 'a' + 1);
  return torch::tensor(codes);
}

class CausalSelfAttentionImpl : public torch::nn::Module {
 public:
  CausalSelfAttentionImpl() {
    register_module("c_attn", c_attn);
    register_module("c_proj", c_proj);
    bias = register_buffer("bias", torch::ones({kContext, kContext}).tril().view({1, 1, kContext, kContext}));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const auto batch = x.size(0), length = x.size(1);
    const auto qkv = c_attn->forward(x).view({batch, length, 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    auto scores = qkv[0].matmul(qkv[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(kWidth / kHeads));
    const auto visible = bias.slice(2, 0, length).slice(3, 0, length);
    scores = scores.masked_fill(visible == 0, -std::numeric_limits<float>::infinity());
    const auto y = torch::softmax(scores, -1).matmul(qkv[2]);
    return c_proj->forward(y.transpose(1, 2).contiguous().view({batch, length, kWidth}));
  }

 private:
  torch::nn::Linear c_attn{kWidth, 3 * kWidth}, c_proj{kWidth, kWidth};
  torch::Tensor bias;
};
TORCH_MODULE(CausalSelfAttention);

class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl() {
    register_module("ln_1", ln_1);
    register_module("attn", attn);
    register_module("ln_2", ln_2);
    register_module("mlp", mlp);
  }

  torch::Tensor forward(torch::Tensor x) {
    x = x + attn->forward(ln_1->forward(x));
    return x + mlp->forward(ln_2->forward(x));
  }

 private:
  torch::nn::LayerNorm ln_1{torch::nn::LayerNormOptions({kWidth})}, ln_2{torch::nn::LayerNormOptions({kWidth})};
  CausalSelfAttention attn;
  torch::nn::Sequential mlp{torch::nn::Linear(kWidth, 4 * kWidth), torch::nn::GELU(),
                            torch::nn::Linear(4 * kWidth, kWidth), torch::nn::Dropout(0.05)};
};
TORCH_MODULE(Block);

class GptImpl : public torch::nn::Module {
 public:
  GptImpl() {
    register_module("wte", wte);
    register_module("wpe", wpe);
    register_module("h", h);
    register_module("ln_f", ln_f);
    torch::NoGradGuard no_grad;
    wte->weight.normal_(0, 0.02);
    wpe->weight.normal_(0, 0.02);
  }

  torch::Tensor forward(const torch::Tensor& tokens) {
    auto x = wte->forward(tokens) + wpe->forward(torch::arange(tokens.size(1)));
    for (const auto& block : *h) x = block->as<Block>()->forward(x);
    return torch::nn::functional::linear(ln_f->forward(x), wte->weight);
  }

 private:
  torch::nn::Embedding wte{kVocabulary, kWidth}, wpe{kContext, kWidth};
  torch::nn::ModuleList h{Block(), Block()};
  torch::nn::LayerNorm ln_f{torch::nn::LayerNormOptions({kWidth})};
};
TORCH_MODULE(Gpt);

std::pair<torch::Tensor, torch::Tensor> draw_batch(const torch::Tensor& text) {
  std::vector<torch::Tensor> inputs, targets;
  const auto starts = torch::randint(text.size(0) - kContext - 1, {16}, torch::kLong);
  for (std::int64_t i = 0; i < starts.size(0); ++i) {
    const auto start = starts[i].item<std::int64_t>();
    inputs.push_back(text.narrow(0, start, kContext));
    targets.push_back(text.narrow(0, start + 1, kContext));
  }
  return {torch::stack(inputs), torch::stack(targets)};
}

torch::Tensor loss_of(Gpt& model, const torch::Tensor& x, const torch::Tensor& y) {
  return torch::nn::functional::cross_entropy(model->forward(x).view({-1, kVocabulary}), y.reshape(-1));
}

// Estimates the loss and writes a few characters, as the training scripts of language models do every so often.
double evaluate(Gpt& model, const torch::Tensor& text) {
  torch::NoGradGuard no_grad;
  model->eval();
  double loss = 0;
  for (int i = 0; i < 4; ++i) {
    const auto [x, y] = draw_batch(text);
    loss += loss_of(model, x, y).item<double>() / 4;
  }
  auto tokens = text.narrow(0, 0, 8).unsqueeze(0);
  for (int i = 0; i < 8; ++i) {
    const auto probabilities = torch::softmax(model->forward(tokens).select(1, -1), -1);
    tokens = torch::cat({tokens, torch::multinomial(probabilities, 1)}, 1);
  }
  model->train();
  return loss;
}

double scheduled_rate(int step, int steps) {
  constexpr double kPeak = 6e-3;
  constexpr int kWarmUp = 20;
  if (step < kWarmUp) return kPeak * step / kWarmUp;
  return kPeak * 0.5 * (1 + std::cos(std::numbers::pi * (step - kWarmUp) / (steps - kWarmUp)));
}

}  // namespace

Outcome tiny_gpt(Watch& watch) {
  torch::manual_seed(7);
  const auto text = encode(kText);
  Gpt model;
  std::vector<torch::Tensor> decayed, others;
  for (const auto& parameter : model->parameters()) (parameter.dim() >= 2 ? decayed : others).push_back(parameter);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(decayed,
                      std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(0).weight_decay(0.1)));
  groups.emplace_back(others,
                      std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(0).weight_decay(0)));
  torch::optim::AdamW optimizer(groups, torch::optim::AdamWOptions(0));
  auto watched = watch.attach(model, optimizer, "gpt");

  constexpr int kSteps = 160;
  std::vector<double> losses;
  for (int step = 0; step < kSteps; ++step) {
    for (auto& group : optimizer.param_groups()) group.options().set_lr(scheduled_rate(step, kSteps));
    if (step % 40 == 0) evaluate(model, text);
    const auto [x, y] = draw_batch(text);
    optimizer.zero_grad();
    double loss_value = 0;
    watched.backward([&, x = x, y = y] {
      auto loss = loss_of(model, x, y);
      loss_value = loss.item<double>();
      return loss;
    });
    torch::nn::utils::clip_grad_norm_(model->parameters(), 1.0);
    optimizer.step();
    losses.push_back(loss_value);
  }
  return finish(losses, *model, -evaluate(model, text));
}

}  // namespace sonde::loops
