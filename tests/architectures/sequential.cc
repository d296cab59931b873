// Networks on sequences of tokens: a classifier with an LSTM, a GRU encoder and decoder (Cho et al. 2014) that turns
// sequences round, a Transformer encoder (Vaswani et al. 2017) and a GPT (Radford et al. 2019).
#include <cmath>
#include <limits>

#include "architectures/architecture.h"

namespace sonde::architectures {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

constexpr std::int64_t kVocabulary = 40, kLength = 12, kClasses = 4, kWidth = 32;

struct LstmClassifier : nn::Module {
  torch::Tensor forward(const torch::Tensor& tokens) {
    const auto output = std::get<0>(lstm->forward(embedding->forward(tokens)));
    return head->forward(dropout->forward(output.select(1, -1)));
  }
  nn::Embedding embedding{register_module("embedding", nn::Embedding(kVocabulary, 16))};
  nn::LSTM lstm{register_module("lstm", nn::LSTM(nn::LSTMOptions(16, kWidth).batch_first(true)))};
  nn::Dropout dropout{register_module("dropout", nn::Dropout(0.2))};
  nn::Linear head{register_module("head", nn::Linear(kWidth, kClasses))};
};

struct EncoderImpl : nn::Module {
  torch::Tensor forward(const torch::Tensor& tokens) { return std::get<1>(gru->forward(embedding->forward(tokens))); }
  nn::Embedding embedding{register_module("embedding", nn::Embedding(kVocabulary, 16))};
  nn::GRU gru{register_module("gru", nn::GRU(nn::GRUOptions(16, kWidth).batch_first(true)))};
};
TORCH_MODULE(Encoder);

struct DecoderImpl : nn::Module {
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& state) {
    return out->forward(std::get<0>(gru->forward(torch::relu(embedding->forward(tokens)), state)));
  }
  nn::Embedding embedding{register_module("embedding", nn::Embedding(kVocabulary, 16))};
  nn::GRU gru{register_module("gru", nn::GRU(nn::GRUOptions(16, kWidth).batch_first(true)))};
  nn::Linear out{register_module("out", nn::Linear(kWidth, kVocabulary))};
};
TORCH_MODULE(Decoder);

struct Seq2Seq : nn::Module {
  // The decoder sees the right tokens, one behind (teacher forcing); token 0 starts a sequence.
  torch::Tensor forward(const torch::Tensor& source, const torch::Tensor& target) {
    const auto shifted = torch::cat({torch::zeros({target.size(0), 1}, torch::kLong), target.slice(1, 0, -1)}, 1);
    return decoder->forward(shifted, encoder->forward(source));
  }
  Encoder encoder{register_module("encoder", Encoder())};
  Decoder decoder{register_module("decoder", Decoder())};
};

// Sines and cosines of the position, [length, 1, width].
torch::Tensor positions(std::int64_t length, std::int64_t width) {
  const auto position = torch::arange(length).to(torch::kFloat).unsqueeze(1);
  const auto rate = torch::exp(torch::arange(0, width, 2).to(torch::kFloat) * (-std::log(10000.0) / width));
  return torch::stack({torch::sin(position * rate), torch::cos(position * rate)}, 2).view({length, 1, width});
}

struct TransformerClassifier : nn::Module {
  TransformerClassifier() { encoding = register_buffer("encoding", positions(kLength, kWidth)); }

  torch::Tensor forward(const torch::Tensor& tokens) {
    auto x = embedding->forward(tokens.t()) * std::sqrt(static_cast<double>(kWidth));  // [length, batch, width]
    x = torch::dropout(x + encoding.slice(0, 0, x.size(0)), 0.1, is_training());
    return head->forward(encoder->forward(x).mean(0));
  }
  nn::Embedding embedding{register_module("embedding", nn::Embedding(kVocabulary, kWidth))};
  nn::TransformerEncoder encoder{register_module(
      "encoder",
      nn::TransformerEncoder(
          nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(kWidth, 4).dim_feedforward(64)), 2))};
  nn::Linear head{register_module("head", nn::Linear(kWidth, kClasses))};
  torch::Tensor encoding;
};

struct GptBlockImpl : nn::Module {
  torch::Tensor forward(torch::Tensor x) {
    x = x + attend(ln_1->forward(x));
    const auto hidden = torch::gelu(c_fc->forward(ln_2->forward(x)));
    return x + torch::dropout(mlp_proj->forward(hidden), 0.1, is_training());
  }
  torch::Tensor attend(const torch::Tensor& x) {
    constexpr std::int64_t kHeads = 4;
    const auto n = x.size(0), length = x.size(1);
    const auto qkv = c_attn->forward(x).view({n, length, 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    auto scores = qkv[0].matmul(qkv[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(kWidth / kHeads));
    const auto hidden = torch::ones({length, length}, torch::kBool).triu(1);
    scores = scores.masked_fill(hidden, -std::numeric_limits<float>::infinity());
    const auto mixed = torch::softmax(scores, -1).matmul(qkv[2]).transpose(1, 2).reshape({n, length, kWidth});
    return torch::dropout(c_proj->forward(mixed), 0.1, is_training());
  }
  nn::LayerNorm ln_1{register_module("ln_1", nn::LayerNorm(nn::LayerNormOptions({kWidth})))};
  nn::Linear c_attn{register_module("c_attn", nn::Linear(kWidth, 3 * kWidth))};
  nn::Linear c_proj{register_module("c_proj", nn::Linear(kWidth, kWidth))};
  nn::LayerNorm ln_2{register_module("ln_2", nn::LayerNorm(nn::LayerNormOptions({kWidth})))};
  nn::Linear c_fc{register_module("c_fc", nn::Linear(kWidth, 4 * kWidth))};
  nn::Linear mlp_proj{register_module("mlp_proj", nn::Linear(4 * kWidth, kWidth))};
};
TORCH_MODULE(GptBlock);

struct Gpt : nn::Module {
  Gpt() {
    torch::NoGradGuard no_grad;
    for (auto& named : named_parameters())
      if (named.value().dim() == 2) named.value().normal_(0, 0.02);
  }
  torch::Tensor forward(const torch::Tensor& tokens) {
    auto x = wte->forward(tokens) + wpe->forward(torch::arange(tokens.size(1)));
    return lm_head->forward(ln_f->forward(h->forward(torch::dropout(x, 0.1, is_training()))));
  }
  nn::Embedding wte{register_module("wte", nn::Embedding(kVocabulary, kWidth))};
  nn::Embedding wpe{register_module("wpe", nn::Embedding(kLength, kWidth))};
  nn::Sequential h{register_module("h", nn::Sequential(GptBlock(), GptBlock()))};
  nn::LayerNorm ln_f{register_module("ln_f", nn::LayerNorm(nn::LayerNormOptions({kWidth})))};
  nn::Linear lm_head{register_module("lm_head", nn::Linear(nn::LinearOptions(kWidth, kVocabulary).bias(false)))};
};

torch::Tensor token_loss(const torch::Tensor& logits, const torch::Tensor& target) {
  return F::cross_entropy(logits.reshape({-1, kVocabulary}), target.reshape(-1));
}

Example draw_classified() { return draw_sentences(32, kLength, kVocabulary, kClasses); }

}  // namespace

std::vector<Program> lstm_classifier() {
  auto model = std::make_shared<LstmClassifier>();
  auto optimizer = std::make_shared<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(3e-3));
  return {classifier("lstm", model, optimizer, draw_classified)};
}

std::vector<Program> gru_seq2seq() {
  auto model = std::make_shared<Seq2Seq>();
  auto optimizer = std::make_shared<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(3e-3));
  return {{"seq2seq", model, optimizer,
           [] {
             const auto tokens = draw_classified().input;
             return Example{tokens, tokens.flip(1)};
           },
           [model](const torch::Tensor& source, const torch::Tensor& target) {
             return token_loss(model->forward(source, target), target);
           }}};
}

std::vector<Program> transformer_encoder() {
  auto model = std::make_shared<TransformerClassifier>();
  auto optimizer = std::make_shared<torch::optim::AdamW>(model->parameters(), torch::optim::AdamWOptions(1e-3));
  return {classifier("transformer", model, optimizer, draw_classified)};
}

std::vector<Program> small_gpt() {
  auto model = std::make_shared<Gpt>();
  auto optimizer = std::make_shared<torch::optim::AdamW>(
      model->parameters(), torch::optim::AdamWOptions(1e-3).betas({0.9, 0.95}).weight_decay(0.1));
  return {{"gpt", model, optimizer,
           [] {
             const auto tokens = draw_sentences(32, kLength + 1, kVocabulary, kClasses).input;
             return Example{tokens.slice(1, 0, kLength), tokens.slice(1, 1)};
           },
           [model](const torch::Tensor& tokens, const torch::Tensor& next) {
             return token_loss(model->forward(tokens), next);
           }}};
}

}  // namespace sonde::architectures
