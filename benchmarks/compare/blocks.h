// What the networks are made of: modules whose forward() follows a Config, and whose reference form is also known as
// TorchScript source.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "compare/config.h"

namespace sonde::pairs {

// A module that can say its reference form as the TorchScript text of its forward().
class Block : public torch::nn::Module {
 public:
  [[nodiscard]] virtual std::string script() const = 0;
};

// A parameter-carrying module that is in no module tree, by the path that it should have.
struct Unregistered {
  std::string path;
  std::shared_ptr<torch::nn::Module> module;
};

// What a network tells about itself while it is built.
struct Blueprint {
  std::vector<Site> sites;
  std::vector<Unregistered> unregistered;
};

// Where in a network one is, while it is built.
class Builder {
 public:
  Builder(const Config& config, Blueprint& blueprint) : config_(&config), blueprint_(&blueprint) {}
  [[nodiscard]] Builder operator/(const std::string& name) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const Deviation& deviation() const;
  [[nodiscard]] const Spelling& spelling() const noexcept { return config_->spelling; }
  // An operation that this place decides about, behind the layer `behind`.
  void site(SiteKind kind, const Builder& behind, const std::string& operation,
            Activation activation = Activation::none) const;
  void unregistered(std::shared_ptr<torch::nn::Module> module) const;

 private:
  const Config* config_;
  Blueprint* blueprint_;
  std::string path_;
};

[[nodiscard]] at::Tensor activate(Activation activation, at::Tensor x, const Spelling& spelling);
[[nodiscard]] std::string operation_of(Activation activation);
// "torch.relu(x)" for `x`; only what references use.
[[nodiscard]] std::string script_of(Activation activation, const std::string& x);

[[nodiscard]] torch::nn::Linear make_linear(const Builder& at, std::int64_t in, std::int64_t out);
[[nodiscard]] at::Tensor linear(torch::nn::Linear& layer, const at::Tensor& x, const Spelling& spelling);
[[nodiscard]] torch::nn::LayerNorm make_layer_norm(const Builder& at, std::int64_t width);
// With all_dims over the last two dimensions.
[[nodiscard]] at::Tensor layer_norm(torch::nn::LayerNorm& layer, const at::Tensor& x, bool all_dims);
[[nodiscard]] torch::nn::Dropout make_dropout(const Builder& at, const Builder& behind);

// Announces a place without a module of its own, and returns how it deviates.
[[nodiscard]] Deviation describe(const Builder& at, SiteKind kind, const Builder& behind, const std::string& operation);
// The same for an activation that is `reference` in the reference; returns what it is here.
[[nodiscard]] Activation activation(const Builder& at, const Builder& behind, Activation reference);

struct ConvSpec {
  std::int64_t in = 0, out = 0;
  std::int64_t kernel = 3, stride = 1, groups = 1;
  bool norm = true;  // without it, the convolution has a bias
  Activation activation = Activation::relu;
};

// Convolution, batch normalisation, activation: children "conv" and "bn".
class ConvUnit : public Block {
 public:
  ConvUnit(const Builder& at, const ConvSpec& spec);
  at::Tensor forward(const at::Tensor& x);
  [[nodiscard]] std::string script() const override;

 private:
  [[nodiscard]] at::Tensor convolve(at::Tensor x);

  const ConvSpec spec_;
  const Spelling spelling_;
  Activation activation_;
  bool activation_first_, same_padding_;
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d bn_{nullptr};
};

}  // namespace sonde::pairs
