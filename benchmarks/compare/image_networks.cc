// The residual CNN and the MobileNet-like network.
#include <fmt/format.h>

#include "compare/networks.h"

namespace sonde::pairs {
namespace {

namespace F = torch::nn::functional;

at::Tensor flatten(const at::Tensor& x, const Deviation& deviation, const Spelling& spelling) {
  const at::Tensor y = deviation.channels_last ? x.permute({0, 2, 3, 1}) : x;
  return spelling.view_for_flatten ? y.reshape({y.size(0), -1}) : y.flatten(1);
}

class ResidualBlock : public Block {
 public:
  ResidualBlock(const Builder& at, std::int64_t in, std::int64_t out, std::int64_t stride)
      : deviation_(at.deviation()), spelling_(at.spelling()) {
    if (stride != 1 || in != out) {
      const ConvSpec spec{.in = in, .out = out, .kernel = 1, .stride = stride, .activation = Activation::none};
      shortcut_ = register_module("shortcut", std::make_shared<ConvUnit>(at / "shortcut", spec));
    }
    first_ = register_module(
        "first", std::make_shared<ConvUnit>(at / "first", ConvSpec{.in = in, .out = out, .stride = stride}));
    second_ = register_module(
        "second",
        std::make_shared<ConvUnit>(at / "second", ConvSpec{.in = out, .out = out, .activation = Activation::none}));
    at.site(SiteKind::residual, at / "second" / "bn", "add");
    at.site(SiteKind::activation, at / "second" / "bn", "relu", Activation::relu);
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor shortcut = shortcut_ ? shortcut_->forward(x) : x;
    const at::Tensor inner = first_->forward(x);
    at::Tensor y = second_->forward(inner);
    if (!deviation_.left_out) y = y + (deviation_.other_operand ? inner : shortcut);
    return activate(deviation_.activation.value_or(Activation::relu), y, spelling_);
  }

  std::string script() const override {
    return fmt::format(
        "def forward(self, x):\n"
        "    s = {}\n"
        "    return torch.relu(self.second.forward(self.first.forward(x)) + s)\n",
        shortcut_ ? "self.shortcut.forward(x)" : "x");
  }

 private:
  const Deviation deviation_;
  const Spelling spelling_;
  std::shared_ptr<ConvUnit> shortcut_, first_, second_;
};

class ResidualCnn : public Network {
 public:
  explicit ResidualCnn(const Config& config) : spelling_(config.spelling) {
    const Builder at(config, blueprint);
    stem_ = register_module(
        "stem",
        std::make_shared<ConvUnit>(at / "stem", ConvSpec{.in = 3, .out = 16, .activation = Activation::leaky_relu}));
    pool_ = describe(at / "pool", SiteKind::pool, at / "stem" / "bn", "max_pool2d");
    const std::int64_t widths[] = {16, 16, 16, 24, 24, 32, 32};
    const std::int64_t strides[] = {1, 1, 2, 1, 2, 1};
    for (std::size_t i = 0; i < std::size(strides); ++i) {
      const std::string name = fmt::format("block{}", i + 1);
      blocks_.push_back(
          register_module(name, std::make_shared<ResidualBlock>(at / name, widths[i], widths[i + 1], strides[i])));
    }
    lateral_ = register_module(
        "lateral", std::make_shared<ConvUnit>(
                       at / "lateral", ConvSpec{.in = 24, .out = 32, .kernel = 1, .activation = Activation::none}));
    upsample_ = describe(at / "upsample", SiteKind::upsample, at / "lateral" / "bn", "upsample_bilinear2d");
    smooth_ = register_module("smooth", std::make_shared<ConvUnit>(at / "smooth", ConvSpec{32, 32}));
    mean_pool_ = describe(at / "mean_pool", SiteKind::mean_pool, at / "smooth" / "bn", "avg_pool2d");
    mix_ = register_module(
        "mix",
        std::make_shared<ConvUnit>(
            at / "mix", ConvSpec{.in = 32, .out = 16, .kernel = 1, .norm = false, .activation = Activation::gelu}));
    flatten_ = describe(at / "flatten", SiteKind::flatten, at / "fc1", "");
    fc1_ = register_module("fc1", make_linear(at / "fc1", 16 * 3 * 3, 64));
    norm_ = register_module("norm", make_layer_norm(at / "norm", 64));
    act1_ = activation(at / "act1", at / "norm", Activation::gelu);
    dropout_ = register_module("dropout", make_dropout(at / "dropout", at / "norm"));
    fc2_ = register_module("fc2", make_linear(at / "fc2", 64, 64));
    act2_ = activation(at / "act2", at / "fc2", Activation::relu);
    fc3_ = register_module("fc3", make_linear(at / "fc3", 64, 10));
    softmax_ = describe(at / "softmax", SiteKind::softmax, at / "fc3", "softmax");
  }

  at::Tensor forward(at::Tensor x) override {
    x = stem_->forward(x);
    x = pool_.other_kind ? torch::avg_pool2d(x, 2) : torch::max_pool2d(x, 2);
    at::Tensor fine;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      x = blocks_[i]->forward(x);
      if (i == 3) fine = x;
    }
    fine = lateral_->forward(fine);
    x = torch::upsample_bilinear2d(x, {fine.size(2), fine.size(3)}, upsample_.align_corners);
    x = smooth_->forward(fine + x);
    x = mean_pool_.other_kind ? torch::max_pool2d(x, 3, 2, 1)
                              : torch::avg_pool2d(x, 3, 2, 1, mean_pool_.ceil_mode, mean_pool_.other_padding_count);
    x = flatten(mix_->forward(x), flatten_, spelling_);
    x = activate(act1_, layer_norm(norm_, linear(fc1_, x, spelling_), false), spelling_);
    x = activate(act2_, linear(fc2_, dropout_(x), spelling_), spelling_);
    return torch::softmax(linear(fc3_, x, spelling_), softmax_.dim.value_or(1));
  }

  std::string script() const override {
    return "def forward(self, x):\n"
           "    x = torch.max_pool2d(self.stem.forward(x), [2, 2], [2, 2], [0, 0], [1, 1], False)\n"
           "    x = self.block4.forward(self.block3.forward(self.block2.forward(self.block1.forward(x))))\n"
           "    fine = self.lateral.forward(x)\n"
           "    x = self.block6.forward(self.block5.forward(x))\n"
           "    x = torch.upsample_bilinear2d(x, [fine.size(2), fine.size(3)], False, None, None)\n"
           "    x = self.smooth.forward(fine + x)\n"
           "    x = torch.avg_pool2d(x, [3, 3], [2, 2], [1, 1], False, False, None)\n"
           "    x = torch.flatten(self.mix.forward(x), 1, -1)\n"
           "    x = self.dropout.forward(torch.gelu(self.norm.forward(self.fc1.forward(x))))\n"
           "    x = self.fc3.forward(torch.relu(self.fc2.forward(x)))\n"
           "    return torch.softmax(x, 1)\n";
  }

 private:
  const Spelling spelling_;
  std::shared_ptr<ConvUnit> stem_, lateral_, smooth_, mix_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  Deviation pool_, upsample_, mean_pool_, flatten_, softmax_;
  Activation act1_, act2_;
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr}, fc3_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};

// Weights a channel by what all of its plane says.
class Excitation : public Block {
 public:
  Excitation(const Builder& at, std::int64_t channels) {
    const std::int64_t inner = channels / 4;
    reduce_ = register_module(
        "reduce",
        std::make_shared<ConvUnit>(at / "reduce", ConvSpec{.in = channels, .out = inner, .kernel = 1, .norm = false}));
    expand_ = register_module(
        "expand",
        std::make_shared<ConvUnit>(
            at / "expand",
            ConvSpec{
                .in = inner, .out = channels, .kernel = 1, .norm = false, .activation = Activation::hard_sigmoid}));
  }
  at::Tensor forward(const at::Tensor& x) {
    return x * expand_->forward(reduce_->forward(torch::adaptive_avg_pool2d(x, {1, 1})));
  }
  std::string script() const override {
    return "def forward(self, x):\n"
           "    return x * self.expand.forward(self.reduce.forward(torch.adaptive_avg_pool2d(x, [1, 1])))\n";
  }

 private:
  std::shared_ptr<ConvUnit> reduce_, expand_;
};

struct InvertedSpec {
  std::int64_t in, out, inner, kernel, stride;
  Activation activation;
  bool excitation;
};

class InvertedResidual : public Block {
 public:
  InvertedResidual(const Builder& at, const InvertedSpec& spec) : deviation_(at.deviation()) {
    residual_ = spec.stride == 1 && spec.in == spec.out;
    expand_ = register_module(
        "expand",
        std::make_shared<ConvUnit>(
            at / "expand", ConvSpec{.in = spec.in, .out = spec.inner, .kernel = 1, .activation = spec.activation}));
    depthwise_ = register_module("depthwise",
                                 std::make_shared<ConvUnit>(at / "depthwise", ConvSpec{.in = spec.inner,
                                                                                       .out = spec.inner,
                                                                                       .kernel = spec.kernel,
                                                                                       .stride = spec.stride,
                                                                                       .groups = spec.inner,
                                                                                       .activation = spec.activation}));
    if (spec.excitation) {
      excitation_ = register_module("excitation", std::make_shared<Excitation>(at / "excitation", spec.inner));
    }
    project_ = register_module(
        "project",
        std::make_shared<ConvUnit>(
            at / "project", ConvSpec{.in = spec.inner, .out = spec.out, .kernel = 1, .activation = Activation::none}));
    if (residual_) at.site(SiteKind::residual, at / "project" / "bn", "add");
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = depthwise_->forward(expand_->forward(x));
    if (excitation_) y = excitation_->forward(y);
    y = project_->forward(y);
    if (!residual_ || deviation_.left_out) return y;
    return y + (deviation_.other_operand ? y : x);
  }

  std::string script() const override {
    return fmt::format(
        "def forward(self, x):\n"
        "    y = self.depthwise.forward(self.expand.forward(x))\n"
        "    y = {}\n"
        "    return self.project.forward(y){}\n",
        excitation_ ? "self.excitation.forward(y)" : "y", residual_ ? " + x" : "");
  }

 private:
  const Deviation deviation_;
  bool residual_ = false;
  std::shared_ptr<ConvUnit> expand_, depthwise_, project_;
  std::shared_ptr<Excitation> excitation_;
};

class MobileNet : public Network {
 public:
  explicit MobileNet(const Config& config) : spelling_(config.spelling) {
    const Builder at(config, blueprint);
    stem_ = register_module(
        "stem", std::make_shared<ConvUnit>(
                    at / "stem", ConvSpec{.in = 3, .out = 16, .stride = 2, .activation = Activation::hardswish}));
    pool_ = describe(at / "pool", SiteKind::pool, at / "stem" / "bn", "max_pool2d");
    (at / "pool").site(SiteKind::uneven_pool, at / "stem" / "bn", "max_pool2d");
    const InvertedSpec specs[] = {
        {16, 16, 32, 3, 1, Activation::relu, false},     {16, 24, 48, 3, 2, Activation::relu6, true},
        {24, 24, 72, 5, 1, Activation::relu6, true},     {24, 32, 72, 3, 1, Activation::hardswish, true},
        {32, 32, 96, 3, 1, Activation::hardswish, true}, {32, 32, 96, 5, 1, Activation::hardswish, false}};
    for (std::size_t i = 0; i < std::size(specs); ++i) {
      const std::string name = fmt::format("block{}", i + 1);
      blocks_.push_back(register_module(name, std::make_shared<InvertedResidual>(at / name, specs[i])));
    }
    last_ = register_module(
        "last", std::make_shared<ConvUnit>(at / "last",
                                           ConvSpec{.in = 32, .out = 64, .kernel = 1, .activation = Activation::silu}));
    flatten_ = describe(at / "flatten", SiteKind::flatten, at / "fc1", "");
    fc1_ = register_module("fc1", make_linear(at / "fc1", 64 * 2 * 2, 64));
    act_ = activation(at / "act", at / "fc1", Activation::hardswish);
    dropout_ = register_module("dropout", make_dropout(at / "dropout", at / "fc1"));
    fc2_ = register_module("fc2", make_linear(at / "fc2", 64, 10));
  }

  at::Tensor forward(at::Tensor x) override {
    x = stem_->forward(x);
    x = pool_.other_kind ? torch::avg_pool2d(x, 3, 2, 0, pool_.ceil_mode)
                         : torch::max_pool2d(x, 3, 2, 0, 1, pool_.ceil_mode);
    for (const auto& block : blocks_) x = block->forward(x);
    x = torch::adaptive_avg_pool2d(last_->forward(x), {2, 2});
    x = activate(act_, linear(fc1_, flatten(x, flatten_, spelling_), spelling_), spelling_);
    return linear(fc2_, dropout_(x), spelling_);
  }

  std::string script() const override {
    std::string text =
        "def forward(self, x):\n"
        "    x = torch.max_pool2d(self.stem.forward(x), [3, 3], [2, 2], [0, 0], [1, 1], False)\n";
    for (std::size_t i = 1; i <= blocks_.size(); ++i) text += fmt::format("    x = self.block{}.forward(x)\n", i);
    return text +
           "    x = torch.flatten(torch.adaptive_avg_pool2d(self.last.forward(x), [2, 2]), 1, -1)\n"
           "    return self.fc2.forward(self.dropout.forward(torch.hardswish(self.fc1.forward(x))))\n";
  }

 private:
  const Spelling spelling_;
  std::shared_ptr<ConvUnit> stem_, last_;
  std::vector<std::shared_ptr<InvertedResidual>> blocks_;
  Deviation pool_, flatten_;
  Activation act_;
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};

}  // namespace

Architecture residual_cnn() {
  return {"residual_cnn", [](const Config& config) { return std::make_shared<ResidualCnn>(config); }, {4, 3, 24, 24}};
}

Architecture mobilenet() {
  return {"mobilenet", [](const Config& config) { return std::make_shared<MobileNet>(config); }, {4, 3, 32, 32}};
}

}  // namespace sonde::pairs
