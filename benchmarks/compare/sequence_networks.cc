// The recurrent classifier and the Transformer encoder.
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <torch/version.h>

#include "compare/networks.h"

namespace sonde::pairs {
namespace {

constexpr std::int64_t kVocabulary = 60;

class Recurrent : public Network {
 public:
  explicit Recurrent(const Config& config) : spelling_(config.spelling) {
    const Builder at(config, blueprint);
    embed_ = register_module("embed", torch::nn::Embedding(kVocabulary, 32));
    lstm_ = register_module("lstm", torch::nn::LSTM(torch::nn::LSTMOptions(32, 32).num_layers(2).batch_first(true)));
    norm1_ = register_module("norm1", make_layer_norm(at / "norm1", 32));
    gru_ = register_module("gru", torch::nn::GRU(torch::nn::GRUOptions(32, 32).batch_first(true)));
    residual_ = describe(at / "residual", SiteKind::residual, at / "gru", "add");
    fc1_ = register_module("fc1", make_linear(at / "fc1", 32, 32));
    act_ = activation(at / "act", at / "fc1", Activation::leaky_relu);
    dropout_ = register_module("dropout", make_dropout(at / "dropout", at / "fc1"));
    norm2_ = register_module("norm2", make_layer_norm(at / "norm2", 32));
    fc2_ = register_module("fc2", make_linear(at / "fc2", 32, 8));
    softmax_ = describe(at / "softmax", SiteKind::softmax, at / "fc2", "softmax");
  }

  at::Tensor forward(at::Tensor x) override {
    const at::Tensor raw = std::get<0>(lstm_(embed_(x)));
    x = layer_norm(norm1_, raw, false);
    const at::Tensor y = std::get<0>(gru_(x));
    if (!residual_.left_out) x = y + (residual_.other_operand ? raw : x);
    if (residual_.left_out) x = y;
    x = spelling_.view_for_flatten ? x.narrow(1, x.size(1) - 1, 1).squeeze(1) : x.select(1, -1);
    x = dropout_(activate(act_, linear(fc1_, x, spelling_), spelling_));
    x = linear(fc2_, layer_norm(norm2_, x, false), spelling_);
    return torch::softmax(x, softmax_.dim.value_or(1));
  }

  std::string script() const override {
    return "def forward(self, x):\n"
           "    x = self.norm1.forward(self.lstm.forward(self.embed.forward(x)))\n"
           "    x = torch.select(self.gru.forward(x) + x, 1, -1)\n"
           "    x = self.dropout.forward(torch.leaky_relu(self.fc1.forward(x), 0.1))\n"
           "    return torch.softmax(self.fc2.forward(self.norm2.forward(x)), 1)\n";
  }

 private:
  const Spelling spelling_;
  Deviation residual_, softmax_;
  Activation act_;
  torch::nn::Embedding embed_{nullptr};
  torch::nn::LSTM lstm_{nullptr};
  torch::nn::GRU gru_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};

constexpr std::int64_t kWidth = 32, kHeads = 4, kHeadWidth = kWidth / kHeads;

// What all blocks of one forward pass share: (length, head width / 2) tables and a (length, length) mask.
struct Shared {
  at::Tensor cosine, sine, mask;
};

// x: (batch, heads, length, head width).
at::Tensor rotate(const at::Tensor& x, const Shared& shared, bool interleaved, bool split) {
  const std::int64_t half = x.size(-1) / 2;
  at::Tensor a, b;
  if (interleaved) {
    a = x.slice(-1, 0, x.size(-1), 2);
    b = x.slice(-1, 1, x.size(-1), 2);
  } else if (split) {
    const auto halves = x.chunk(2, -1);
    a = halves[0];
    b = halves[1];
  } else {
    a = x.slice(-1, 0, half);
    b = x.slice(-1, half);
  }
  const at::Tensor first = a * shared.cosine - b * shared.sine, second = b * shared.cosine + a * shared.sine;
  return interleaved ? torch::stack({first, second}, -1).flatten(-2) : torch::cat({first, second}, -1);
}

class Attention : public Block {
 public:
  explicit Attention(const Builder& at) : spelling_(at.spelling()) {
    q_ = register_module("q", make_linear(at / "q", kWidth, kWidth));
    k_ = register_module("k", make_linear(at / "k", kWidth, kWidth));
    v_ = register_module("v", make_linear(at / "v", kWidth, kWidth));
    out_ = register_module("out", make_linear(at / "out", kWidth, kWidth));
    rotary_ = describe(at / "rotary", SiteKind::rotary, at / "v", "mul");
    scale_ = describe(at / "scale", SiteKind::scale, at / "v", "mul");
    mask_ = describe(at / "mask", SiteKind::mask, at / "v", "add");
    softmax_ = describe(at / "softmax", SiteKind::softmax, at / "v", "softmax");
  }

  at::Tensor forward(const at::Tensor& x, const Shared& shared) {
    const std::int64_t batch = x.size(0), length = x.size(1);
    const auto heads = [&](const at::Tensor& y) { return y.view({batch, length, kHeads, kHeadWidth}).transpose(1, 2); };
    at::Tensor q = heads(linear(q_, x, spelling_)), k = heads(linear(k_, x, spelling_));
    const at::Tensor v = heads(linear(v_, x, spelling_));
    q = rotate(q, shared, rotary_.other_kind, spelling_.split_rotation);
    k = rotate(k, shared, rotary_.other_kind, spelling_.split_rotation);
    const at::Tensor y = attend(q, k, v, shared.mask);
    return linear(out_, y.transpose(1, 2).reshape({batch, length, kWidth}), spelling_);
  }

  std::string script() const override {
    return "def rotate(self, x, c, s):\n"
           "    h = x.size(-1) // 2\n"
           "    a = x[:, :, :, :h]\n"
           "    b = x[:, :, :, h:]\n"
           "    return torch.cat([a * c - b * s, b * c + a * s], -1)\n"
           "def heads(self, x):\n"
           "    return x.view([x.size(0), x.size(1), 4, 8]).transpose(1, 2)\n"
           "def forward(self, x, c, s, mask):\n"
           "    q = self.heads(self.q.forward(x))\n"
           "    k = self.heads(self.k.forward(x))\n"
           "    v = self.heads(self.v.forward(x))\n"
           "    q = self.rotate(q, c, s)\n"
           "    k = self.rotate(k, c, s)\n"
           "    w = torch.matmul(q, k.transpose(-2, -1)) * (8.0 ** -0.5) + mask\n"
           "    y = torch.matmul(torch.softmax(w, -1), v).transpose(1, 2)\n"
           "    return self.out.forward(y.reshape([x.size(0), x.size(1), 32]))\n";
  }

 private:
  at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask) const {
    const double scale = scale_.factor.value_or(1 / std::sqrt(double{kHeadWidth}));
    if (spelling_.attention_fused) {
#if TORCH_VERSION_MAJOR >= 2
      return at::scaled_dot_product_attention(q, k, v, mask);
#else
      return std::get<0>(at::_scaled_dot_product_attention(q, k, v, mask));
#endif
    }
    if (spelling_.attention_batched) {
      const std::int64_t length = q.size(2);
      const auto merged = [](const at::Tensor& x) { return x.reshape({-1, x.size(2), x.size(3)}); };
      const at::Tensor scores = torch::bmm(merged(q), merged(k).transpose(1, 2)) / (1 / scale) + mask;
      return torch::bmm(torch::softmax(scores, -1), merged(v)).view({-1, kHeads, length, kHeadWidth});
    }
    at::Tensor scores = torch::matmul(q, k.transpose(-2, -1));
    if (!scale_.left_out) scores = scores * scale;
    if (!mask_.left_out) scores = scores + mask;
    return torch::matmul(torch::softmax(scores, softmax_.dim.value_or(-1)), v);
  }

  const Spelling spelling_;
  Deviation rotary_, scale_, mask_, softmax_;
  torch::nn::Linear q_{nullptr}, k_{nullptr}, v_{nullptr}, out_{nullptr};
};

// Normalisation before attention and before the two linear layers.
class EncoderBlock : public Block {
 public:
  explicit EncoderBlock(const Builder& at) : deviation_(at.deviation()), spelling_(at.spelling()) {
    all_dims_ = (at / "norm2").deviation().all_dims;
    norm1_ = register_module("norm1", make_layer_norm(at / "norm1", kWidth));
    attention_ = register_module("attention", std::make_shared<Attention>(at / "attention"));
    residual1_ = describe(at / "residual1", SiteKind::residual, at / "attention" / "out", "add");
    norm2_ = register_module("norm2", make_layer_norm(at / "norm2", kWidth));
    (at / "norm2").site(SiteKind::norm_dims, at / "norm2", "layer_norm");
    fc1_ = register_module("fc1", make_linear(at / "fc1", kWidth, 64));
    act_ = activation(at / "act", at / "fc1", Activation::gelu);
    fc2_ = register_module("fc2", make_linear(at / "fc2", 64, kWidth));
    residual2_ = describe(at / "residual2", SiteKind::residual, at / "fc2", "add");
    at.site(SiteKind::prenorm, at / "norm1", "layer_norm");
  }

  at::Tensor forward(at::Tensor x, const Shared& shared) {
    if (deviation_.other_order) {
      x = norm1_(x + attention_->forward(x, shared));
      return norm2_(x + feed_forward(x));
    }
    const at::Tensor n1 = norm1_(x);
    x = joined(residual1_, x, n1, attention_->forward(n1, shared));
    const at::Tensor n2 = layer_norm(norm2_, x, all_dims_);
    return joined(residual2_, x, n2, feed_forward(n2));
  }

  std::string script() const override {
    return "def forward(self, x, c, s, mask):\n"
           "    x = x + self.attention.forward(self.norm1.forward(x), c, s, mask)\n"
           "    return x + self.fc2.forward(torch.gelu(self.fc1.forward(self.norm2.forward(x))))\n";
  }

 private:
  at::Tensor feed_forward(const at::Tensor& x) {
    return linear(fc2_, activate(act_, linear(fc1_, x, spelling_), spelling_), spelling_);
  }

  static at::Tensor joined(const Deviation& deviation, const at::Tensor& x, const at::Tensor& normed,
                           const at::Tensor& y) {
    if (deviation.left_out) return y;
    return (deviation.other_operand ? normed : x) + y;
  }

  const Deviation deviation_;
  const Spelling spelling_;
  Deviation residual1_, residual2_;
  bool all_dims_ = false;
  Activation act_;
  std::shared_ptr<Attention> attention_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
};

class Transformer : public Network {
 public:
  explicit Transformer(const Config& config) : spelling_(config.spelling) {
    const Builder at(config, blueprint);
    embed_ = register_module("embed", torch::nn::Embedding(kVocabulary, kWidth));
    position_ = register_module("position", torch::nn::Embedding(kLength, kWidth));
    scale_ = describe(at / "scale", SiteKind::scale, at / "embed", "mul");
    dropout_ = register_module("dropout", make_dropout(at / "dropout", at / "position"));
    for (int i = 1; i <= kBlocks; ++i) {
      const std::string name = fmt::format("block{}", i);
      blocks_.push_back(register_module(name, std::make_shared<EncoderBlock>(at / name)));
    }
    norm_ = register_module("norm", make_layer_norm(at / "norm", kWidth));
    head_ = register_module("head", make_linear(at / "head", kWidth, 12));
  }

  at::Tensor forward(at::Tensor x) override {
    const std::int64_t length = x.size(1);
    const at::Tensor steps = torch::arange(length);
    at::Tensor y = embed_(x);
    if (!scale_.left_out) y = y * scale_.factor.value_or(std::sqrt(double{kWidth}));
    const at::Tensor angles =
        torch::outer(steps, torch::pow(10000.0, torch::arange(0, kHeadWidth, 2) / -double{kHeadWidth}));
    const Shared shared{angles.cos().to(y.dtype()), angles.sin().to(y.dtype()),
                        torch::full({length, length}, -1e9).triu(1).to(y.dtype())};
    y = dropout_(y + position_(steps));
    for (const auto& block : blocks_) y = block->forward(y, shared);
    return linear(head_, layer_norm(norm_, y, false).mean(1), spelling_);
  }

  std::string script() const override {
    std::string text =
        "def forward(self, x):\n"
        "    n = x.size(1)\n"
        "    steps = torch.arange(n)\n"
        "    y = self.embed.forward(x) * (32.0 ** 0.5)\n"
        "    angles = torch.outer(steps, torch.pow(10000.0, torch.arange(0, 8, 2) / -8.0))\n"
        "    c = torch.cos(angles).to(y.dtype)\n"
        "    s = torch.sin(angles).to(y.dtype)\n"
        "    mask = torch.triu(torch.full([n, n], -1e9), 1).to(y.dtype)\n"
        "    y = self.dropout.forward(y + self.position.forward(steps))\n";
    for (int i = 1; i <= kBlocks; ++i) text += fmt::format("    y = self.block{}.forward(y, c, s, mask)\n", i);
    return text + "    return self.head.forward(torch.mean(self.norm.forward(y), [1], False))\n";
  }

 private:
  static constexpr std::int64_t kLength = 16;
  static constexpr int kBlocks = 3;
  const Spelling spelling_;
  Deviation scale_;
  torch::nn::Embedding embed_{nullptr}, position_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  std::vector<std::shared_ptr<EncoderBlock>> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear head_{nullptr};
};

}  // namespace

Architecture recurrent() {
  return {"recurrent", [](const Config& config) { return std::make_shared<Recurrent>(config); }, {6, 12}, kVocabulary};
}

Architecture transformer() {
  return {
      "transformer", [](const Config& config) { return std::make_shared<Transformer>(config); }, {3, 16}, kVocabulary};
}

}  // namespace sonde::pairs
