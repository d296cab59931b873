#include "compare/large_models.h"

#include <stdexcept>
#include <vector>

namespace sonde::pairs {
namespace {

using Sizes = std::vector<std::int64_t>;

struct UnitSpec {
  Sizes kernel{1, 1};
  std::int64_t stride = 1;
  Sizes padding{0, 0};
  std::int64_t groups = 1;
  enum class Behind { relu, relu6, nothing } behind = Behind::relu;
};

class UnitImpl : public torch::nn::Module {
 public:
  UnitImpl(std::int64_t in, std::int64_t out, const UnitSpec& spec) : behind_(spec.behind) {
    conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, spec.kernel)
                                                         .stride(spec.stride)
                                                         .padding(spec.padding)
                                                         .groups(spec.groups)
                                                         .bias(false)));
    bn = register_module("bn", torch::nn::BatchNorm2d(out));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = bn(conv(x));
    if (behind_ == UnitSpec::Behind::nothing) return y;
    return behind_ == UnitSpec::Behind::relu ? torch::relu(y) : torch::nn::functional::relu6(y);
  }
  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};

 private:
  const UnitSpec::Behind behind_;
};
TORCH_MODULE(Unit);

Unit unit(std::int64_t in, std::int64_t out, Sizes kernel = {1, 1}, std::int64_t stride = 1, Sizes padding = {0, 0}) {
  return Unit(in, out, UnitSpec{.kernel = std::move(kernel), .stride = stride, .padding = std::move(padding)});
}

Unit bare(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return Unit(in, out, UnitSpec{.stride = stride, .behind = UnitSpec::Behind::nothing});
}

// Adds its input, projected if that is given, and applies ReLU if `relu`.
class ResidualImpl : public torch::nn::Module {
 public:
  ResidualImpl(Chain inner, Unit shortcut, bool relu) : relu_(relu) {
    inner_ = register_module("inner", std::move(inner));
    if (!shortcut.is_empty()) shortcut_ = register_module("shortcut", std::move(shortcut));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor identity = shortcut_.is_empty() ? x : shortcut_(x);
    const at::Tensor y = inner_->forward(x) + identity;
    return relu_ ? torch::relu(y) : y;
  }

 private:
  Chain inner_{nullptr};
  Unit shortcut_{nullptr};
  const bool relu_;
};
TORCH_MODULE(Residual);

// Branches side by side, their channels joined.
class BranchesImpl : public torch::nn::Module {
 public:
  explicit BranchesImpl(std::vector<Chain> branches) : branches_(std::move(branches)) {
    for (std::size_t i = 0; i < branches_.size(); ++i) register_module("branch" + std::to_string(i + 1), branches_[i]);
  }
  at::Tensor forward(const at::Tensor& x) {
    std::vector<at::Tensor> outputs;
    for (auto& branch : branches_) outputs.push_back(branch->forward(x));
    return torch::cat(outputs, 1);
  }

 private:
  std::vector<Chain> branches_;
};
TORCH_MODULE(Branches);

torch::nn::MaxPool2d max_pool(std::int64_t padding = 0) {
  return torch::nn::MaxPool2d(torch::nn::MaxPool2dOptions(3).stride(2).padding(padding));
}

torch::nn::AvgPool2d mean_pool() { return torch::nn::AvgPool2d(torch::nn::AvgPool2dOptions(3).stride(1).padding(1)); }

std::shared_ptr<LargeModel> resnet101() {
  Chain features;
  features->push_back("stem", unit(3, 64, {7, 7}, 2, {3, 3}));
  features->push_back("pool", max_pool(1));
  const std::int64_t blocks[] = {3, 4, 23, 3};
  std::int64_t channels = 64;
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    const std::int64_t width = 64 << stage;
    Chain layer;
    for (std::int64_t i = 0; i < blocks[stage]; ++i) {
      const std::int64_t stride = i == 0 && stage > 0 ? 2 : 1;
      const Unit shortcut = i == 0 ? bare(channels, 4 * width, stride) : Unit(nullptr);
      layer->push_back(
          Residual(Chain(unit(channels, width), unit(width, width, {3, 3}, stride, {1, 1}), bare(width, 4 * width)),
                   shortcut, true));
      channels = 4 * width;
    }
    features->push_back("layer" + std::to_string(stage + 1), layer);
  }
  return std::make_shared<LargeModel>(features, channels);
}

std::shared_ptr<LargeModel> mobilenet_v2() {
  using Behind = UnitSpec::Behind;
  Chain features;
  features->push_back(Unit(3, 32, UnitSpec{.kernel = {3, 3}, .stride = 2, .padding = {1, 1}, .behind = Behind::relu6}));
  struct Stage {
    std::int64_t expansion, channels, blocks, stride;
  };
  const Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                          {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  std::int64_t channels = 32;
  for (const Stage& stage : stages) {
    for (std::int64_t i = 0; i < stage.blocks; ++i) {
      const std::int64_t stride = i == 0 ? stage.stride : 1, inner = channels * stage.expansion;
      Chain block;
      if (stage.expansion > 1) block->push_back(Unit(channels, inner, UnitSpec{.behind = Behind::relu6}));
      block->push_back(Unit(
          inner, inner,
          UnitSpec{.kernel = {3, 3}, .stride = stride, .padding = {1, 1}, .groups = inner, .behind = Behind::relu6}));
      block->push_back(bare(inner, stage.channels));
      if (stride == 1 && channels == stage.channels) {
        features->push_back(Residual(block, Unit(nullptr), false));
      } else {
        features->push_back(block);
      }
      channels = stage.channels;
    }
  }
  features->push_back(Unit(channels, 1280, UnitSpec{.behind = Behind::relu6}));
  return std::make_shared<LargeModel>(features, 1280);
}

Branches block_a(std::int64_t in, std::int64_t pooled) {
  return Branches(
      std::vector<Chain>{Chain(unit(in, 64)), Chain(unit(in, 48), unit(48, 64, {5, 5}, 1, {2, 2})),
                         Chain(unit(in, 64), unit(64, 96, {3, 3}, 1, {1, 1}), unit(96, 96, {3, 3}, 1, {1, 1})),
                         Chain(mean_pool(), unit(in, pooled))});
}

Branches block_b(std::int64_t in) {
  return Branches(std::vector<Chain>{Chain(unit(in, 384, {3, 3}, 2)),
                                     Chain(unit(in, 64), unit(64, 96, {3, 3}, 1, {1, 1}), unit(96, 96, {3, 3}, 2)),
                                     Chain(max_pool())});
}

Branches block_c(std::int64_t in, std::int64_t width) {
  return Branches(std::vector<Chain>{
      Chain(unit(in, 192)),
      Chain(unit(in, width), unit(width, width, {1, 7}, 1, {0, 3}), unit(width, 192, {7, 1}, 1, {3, 0})),
      Chain(unit(in, width), unit(width, width, {7, 1}, 1, {3, 0}), unit(width, width, {1, 7}, 1, {0, 3}),
            unit(width, width, {7, 1}, 1, {3, 0}), unit(width, 192, {1, 7}, 1, {0, 3})),
      Chain(mean_pool(), unit(in, 192))});
}

Branches block_d(std::int64_t in) {
  return Branches(std::vector<Chain>{Chain(unit(in, 192), unit(192, 320, {3, 3}, 2)),
                                     Chain(unit(in, 192), unit(192, 192, {1, 7}, 1, {0, 3}),
                                           unit(192, 192, {7, 1}, 1, {3, 0}), unit(192, 192, {3, 3}, 2)),
                                     Chain(max_pool())});
}

Branches split(std::int64_t in) {
  return Branches(std::vector<Chain>{Chain(unit(in, 384, {1, 3}, 1, {0, 1})), Chain(unit(in, 384, {3, 1}, 1, {1, 0}))});
}

Branches block_e(std::int64_t in) {
  return Branches(std::vector<Chain>{Chain(unit(in, 320)), Chain(unit(in, 384), split(384)),
                                     Chain(unit(in, 448), unit(448, 384, {3, 3}, 1, {1, 1}), split(384)),
                                     Chain(mean_pool(), unit(in, 192))});
}

std::shared_ptr<LargeModel> inception_v3() {
  Chain features(unit(3, 32, {3, 3}, 2), unit(32, 32, {3, 3}), unit(32, 64, {3, 3}, 1, {1, 1}), max_pool(),
                 unit(64, 80), unit(80, 192, {3, 3}), max_pool());
  features->push_back("mixed_5b", block_a(192, 32));
  features->push_back("mixed_5c", block_a(256, 64));
  features->push_back("mixed_5d", block_a(288, 64));
  features->push_back("mixed_6a", block_b(288));
  features->push_back("mixed_6b", block_c(768, 128));
  features->push_back("mixed_6c", block_c(768, 160));
  features->push_back("mixed_6d", block_c(768, 160));
  features->push_back("mixed_6e", block_c(768, 192));
  features->push_back("mixed_7a", block_d(768));
  features->push_back("mixed_7b", block_e(1280));
  features->push_back("mixed_7c", block_e(2048));
  return std::make_shared<LargeModel>(features, 2048);
}

}  // namespace

LargeModel::LargeModel(Chain features, std::int64_t channels) {
  features_ = register_module("features", std::move(features));
  head_ = register_module("head", torch::nn::Linear(channels, 1000));
}

at::Tensor LargeModel::forward(const at::Tensor& x) {
  return head_(torch::adaptive_avg_pool2d(features_->forward(x), {1, 1}).flatten(1));
}

LargeCase large_case(const std::string& name) {
  if (name == "inception_v3") {
    return {299, inception_v3, "features.mixed_6c.branch2.1.bn",
            [](torch::nn::Module& bn) { bn.as<torch::nn::BatchNorm2d>()->options.eps(1e-3); }};
  }
  if (name == "mobilenet_v2") {
    return {224, mobilenet_v2, "features.9.inner.1.conv", [](torch::nn::Module& conv) {
              at::Tensor weight = conv.as<torch::nn::Conv2d>()->weight;
              weight.copy_(weight.flip({2, 3}).clone());
            }};
  }
  if (name == "resnet101") {
    return {224, resnet101, "features.layer3.11.inner.1.conv", [](torch::nn::Module& conv) {
              at::Tensor weight = conv.as<torch::nn::Conv2d>()->weight;
              weight.copy_(weight.transpose(0, 1).clone());
            }};
  }
  throw std::invalid_argument("unknown model '" + name + "'; known are inception_v3, mobilenet_v2 and resnet101");
}

}  // namespace sonde::pairs
