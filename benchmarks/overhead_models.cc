#include "overhead_models.h"

#include <utility>

namespace sonde::benchmarks {
namespace {

namespace nn = torch::nn;

class Mlp : public Model {
 public:
  explicit Mlp(std::vector<std::int64_t> widths) {
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      layers_.push_back(register_module("fc" + std::to_string(i), nn::Linear(widths[i], widths[i + 1])));
    }
  }

  at::Tensor forward(at::Tensor x) override {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      x = seen(layers_[i]->forward(x));
      if (i + 1 < layers_.size()) x = seen(torch::relu(x));
    }
    return x;
  }

 private:
  std::vector<nn::Linear> layers_;
};

class LeNet : public Model {
 public:
  at::Tensor forward(at::Tensor x) override {
    x = seen(torch::max_pool2d(seen(torch::relu(seen(conv1_->forward(x)))), 2));
    x = seen(torch::max_pool2d(seen(torch::relu(seen(conv2_->forward(x)))), 2)).flatten(1);
    x = seen(torch::relu(seen(fc1_->forward(x))));
    x = seen(torch::relu(seen(fc2_->forward(x))));
    return seen(fc3_->forward(x));
  }

 private:
  nn::Conv2d conv1_{register_module("conv1", nn::Conv2d(nn::Conv2dOptions(1, 6, 5).padding(2)))};
  nn::Conv2d conv2_{register_module("conv2", nn::Conv2d(nn::Conv2dOptions(6, 16, 5)))};
  nn::Linear fc1_{register_module("fc1", nn::Linear(400, 120))};
  nn::Linear fc2_{register_module("fc2", nn::Linear(120, 84))};
  nn::Linear fc3_{register_module("fc3", nn::Linear(84, 10))};
};

nn::Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

class ResidualBlock : public nn::Module {
 public:
  ResidualBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv1_(register_module("conv1", convolution(in, out, 3, stride))),
        norm1_(register_module("norm1", nn::BatchNorm2d(out))),
        conv2_(register_module("conv2", convolution(out, out, 3, 1))),
        norm2_(register_module("norm2", nn::BatchNorm2d(out))) {
    if (in != out || stride != 1) {
      shortcut_ = register_module("shortcut", nn::Sequential(convolution(in, out, 1, stride), nn::BatchNorm2d(out)));
    }
  }

  template <class Seen>
  at::Tensor forward(const at::Tensor& x, Seen seen) {
    at::Tensor y = seen(torch::relu(seen(norm1_->forward(seen(conv1_->forward(x))))));
    y = seen(norm2_->forward(seen(conv2_->forward(y))));
    return seen(torch::relu(y + (shortcut_.is_empty() ? x : seen(shortcut_->forward(x)))));
  }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d norm1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d norm2_;
  nn::Sequential shortcut_{nullptr};
};

// ResNet-18 with half the channels, for images of 32 by 32.
class ResNet : public Model {
 public:
  ResNet() {
    std::int64_t in = 32;
    for (const std::int64_t out : {32, 64, 128, 256}) {
      for (const std::int64_t stride : {out == 32 ? 1 : 2, 1}) {
        blocks_.push_back(register_module("block" + std::to_string(blocks_.size()),
                                          std::make_shared<ResidualBlock>(in, out, stride)));
        in = out;
      }
    }
  }

  at::Tensor forward(at::Tensor x) override {
    const auto watch = [this](at::Tensor y) { return seen(std::move(y)); };
    x = seen(torch::relu(seen(norm_->forward(seen(stem_->forward(x))))));
    for (const auto& block : blocks_) x = block->forward(x, watch);
    return seen(fc_->forward(seen(torch::adaptive_avg_pool2d(x, {1, 1})).flatten(1)));
  }

 private:
  nn::Conv2d stem_{register_module("stem", convolution(3, 32, 3, 1))};
  nn::BatchNorm2d norm_{register_module("norm", nn::BatchNorm2d(32))};
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  nn::Linear fc_{register_module("fc", nn::Linear(256, 10))};
};

class Lstm : public Model {
 public:
  at::Tensor forward(at::Tensor x) override {
    const at::Tensor states = seen(std::get<0>(lstm_->forward(x)));
    return seen(fc_->forward(states.select(1, states.size(1) - 1)));
  }

 private:
  nn::LSTM lstm_{register_module("lstm", nn::LSTM(nn::LSTMOptions(64, 64).num_layers(2).batch_first(true)))};
  nn::Linear fc_{register_module("fc", nn::Linear(64, 10))};
};

class Transformer : public Model {
 public:
  at::Tensor forward(at::Tensor x) override {
    const at::Tensor states = seen(encoder_->forward(x.transpose(0, 1)));  // sequence first
    return seen(fc_->forward(states.mean(0)));
  }

 private:
  static nn::TransformerEncoderLayer layer() {
    return nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(64, 4).dim_feedforward(256).dropout(0.1));
  }

  nn::TransformerEncoder encoder_{register_module("encoder", nn::TransformerEncoder(layer(), 2))};
  nn::Linear fc_{register_module("fc", nn::Linear(64, 10))};
};

template <class M, class... Arguments>
std::function<std::shared_ptr<Model>()> maker(Arguments... arguments) {
  return [=] { return std::make_shared<M>(arguments...); };
}

}  // namespace

std::vector<Workload> workloads() {
  using Widths = std::vector<std::int64_t>;
  return {
      {"a", "MLP 20-64-64-10 b32", maker<Mlp>(Widths{20, 64, 64, 10}), {32, 20}},
      {"b", "MLP 784-512-512-10 b128", maker<Mlp>(Widths{784, 512, 512, 10}), {128, 784}},
      {"c", "LeNet b64", maker<LeNet>(), {64, 1, 28, 28}},
      {"d", "ResNet-18 w32 32x32 b16", maker<ResNet>(), {16, 3, 32, 32}},
      {"e", "LSTM 2x64 T32 b16", maker<Lstm>(), {16, 32, 64}},
      {"f", "TransformerEncoder 2x64 T32 b16", maker<Transformer>(), {16, 32, 64}},
  };
}

std::vector<Batch> make_batches(const Workload& workload, int count) {
  torch::manual_seed(11);
  const at::Tensor probe = torch::randn(workload.input_shape);
  const at::Tensor map = torch::randn({probe[0].numel(), 10});
  std::vector<Batch> batches;
  for (int i = 0; i < count; ++i) {
    const at::Tensor input = torch::randn(workload.input_shape);
    batches.push_back({input, input.flatten(1).mm(map).argmax(1)});
  }
  return batches;
}

}  // namespace sonde::benchmarks
