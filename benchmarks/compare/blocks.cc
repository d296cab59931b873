#include "compare/blocks.h"

#include <cmath>
#include <stdexcept>

namespace sonde::pairs {

namespace F = torch::nn::functional;

Builder Builder::operator/(const std::string& name) const {
  Builder child = *this;
  child.path_ = path_.empty() ? name : path_ + "." + name;
  return child;
}

const Deviation& Builder::deviation() const {
  static const Deviation none;
  const auto found = config_->at.find(path_);
  return found == config_->at.end() ? none : found->second;
}

void Builder::site(SiteKind kind, const Builder& behind, const std::string& operation, Activation activation) const {
  blueprint_->sites.push_back({kind, path_, behind.path_, operation, activation});
}

void Builder::unregistered(std::shared_ptr<torch::nn::Module> module) const {
  blueprint_->unregistered.push_back({path_, std::move(module)});
}

at::Tensor activate(Activation activation, at::Tensor x, const Spelling& spelling) {
  const bool spelled = spelling.activations_spelled_out;
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return spelling.in_place ? torch::relu_(x) : torch::relu(x);
    case Activation::relu6:
      return spelled ? torch::clamp(x, 0, 6) : F::relu6(x);
    case Activation::leaky_relu:
      return torch::leaky_relu(x, 0.1);
    case Activation::leaky_relu_default:
      return torch::leaky_relu(x);
    case Activation::silu:
      return spelled ? x * torch::sigmoid(x) : torch::silu(x);
    case Activation::gelu:
      return spelled ? 0.5 * x * (1 + torch::erf(x / std::sqrt(2.0))) : torch::gelu(x);
    case Activation::gelu_tanh:
      return torch::gelu(x, "tanh");
    case Activation::hardswish:
      return spelled ? x * torch::clamp(x + 3, 0, 6) / 6 : torch::hardswish(x);
    case Activation::hard_sigmoid:
      return spelled ? torch::clamp(x + 3, 0, 6) / 6 : torch::hardsigmoid(x);
    case Activation::hard_sigmoid_keras:
      return torch::clamp(0.2 * x + 0.5, 0, 1);
  }
  throw std::logic_error("unknown activation");
}

std::string operation_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return "relu";
    case Activation::relu6:
      return "relu6";
    case Activation::leaky_relu:
    case Activation::leaky_relu_default:
      return "leaky_relu";
    case Activation::silu:
      return "silu";
    case Activation::gelu:
    case Activation::gelu_tanh:
      return "gelu";
    case Activation::hardswish:
      return "hardswish";
    case Activation::hard_sigmoid:
      return "hardsigmoid";
    default:
      return "";
  }
}

std::string script_of(Activation activation, const std::string& x) {
  if (activation == Activation::none) return x;
  if (activation == Activation::leaky_relu) return "torch.leaky_relu(" + x + ", 0.1)";
  const std::string name = operation_of(activation);
  if (name.empty()) throw std::logic_error("an activation that no reference uses");
  return "torch." + name + "(" + x + ")";
}

torch::nn::Linear make_linear(const Builder& at, std::int64_t in, std::int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(!at.deviation().without_bias));
}

at::Tensor linear(torch::nn::Linear& layer, const at::Tensor& x, const Spelling& spelling) {
  const at::Tensor y = spelling.contiguous ? x.contiguous() : x;
  if (!spelling.linear_as_matmul) return layer(y);
  return torch::matmul(y, layer->weight.t()) + layer->bias;
}

torch::nn::LayerNorm make_layer_norm(const Builder& at, std::int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(at.deviation().eps.value_or(1e-5)));
}

at::Tensor layer_norm(torch::nn::LayerNorm& layer, const at::Tensor& x, bool all_dims) {
  if (!all_dims) return layer(x);
  return torch::layer_norm(x, {x.size(-2), x.size(-1)}) * layer->weight + layer->bias;
}

torch::nn::Dropout make_dropout(const Builder& at, const Builder& behind) {
  at.site(SiteKind::dropout, behind, "dropout");
  return torch::nn::Dropout(at.deviation().probability.value_or(0.2));
}

Deviation describe(const Builder& at, SiteKind kind, const Builder& behind, const std::string& operation) {
  at.site(kind, behind, operation);
  return at.deviation();
}

Activation activation(const Builder& at, const Builder& behind, Activation reference) {
  at.site(SiteKind::activation, behind, operation_of(reference), reference);
  return at.deviation().activation.value_or(reference);
}

ConvUnit::ConvUnit(const Builder& at, const ConvSpec& spec) : spec_(spec), spelling_(at.spelling()) {
  const Builder conv_at = at / "conv", bn_at = at / "bn";
  const Deviation& conv = conv_at.deviation();
  activation_ = at.deviation().activation.value_or(spec.activation);
  activation_first_ = at.deviation().other_order;
  same_padding_ = conv.same_padding;

  const std::int64_t dilation = conv.dilated ? 2 : 1;
  const bool folded = spec.norm && spelling_.norms_folded;
  auto options = torch::nn::Conv2dOptions(spec.in, spec.out, spec.kernel)
                     .stride(spec.stride)
                     .padding(same_padding_ ? 0 : spec.kernel / 2 * dilation)
                     .dilation(dilation)
                     .groups(conv.without_groups ? 1 : spec.groups)
                     .bias((!spec.norm || folded) && !conv.without_bias);
  if (conv.padding_mode == "reflect") options.padding_mode(torch::kReflect);
  if (conv.padding_mode == "circular") options.padding_mode(torch::kCircular);
  conv_ = register_module("conv", torch::nn::Conv2d(options));
  at.site(SiteKind::activation, spec.norm ? bn_at : conv_at, operation_of(spec.activation), spec.activation);
  if (!spec.norm) return;
  if (spec.activation != Activation::none) at.site(SiteKind::order, conv_at, "batch_norm", spec.activation);
  if (folded) return;

  const Deviation& norm = bn_at.deviation();
  bn_ = torch::nn::BatchNorm2d(
      torch::nn::BatchNormOptions(spec.out).eps(norm.eps.value_or(1e-5)).momentum(norm.momentum.value_or(0.1)));
  if (norm.unregistered) {
    bn_at.unregistered(bn_.ptr());
  } else {
    register_module("bn", bn_);
  }
}

at::Tensor ConvUnit::convolve(at::Tensor x) {
  if (spelling_.contiguous) x = x.contiguous();
  if (same_padding_) x = F::pad(x, F::PadFuncOptions({0, spec_.kernel / 2, 0, spec_.kernel / 2}));
  if (spelling_.pointwise_as_linear && spec_.kernel == 1 && spec_.stride == 1) {
    const at::Tensor weight = conv_->weight.view({spec_.out, spec_.in});
    return torch::linear(x.permute({0, 2, 3, 1}), weight, conv_->bias).permute({0, 3, 1, 2});
  }
  return conv_(x);
}

at::Tensor ConvUnit::forward(const at::Tensor& x) {
  at::Tensor y = convolve(x);
  if (activation_first_) y = activate(activation_, y, spelling_);
  if (!bn_.is_empty()) y = bn_(y);
  return activation_first_ ? y : activate(activation_, y, spelling_);
}

std::string ConvUnit::script() const {
  const std::string conv = "self.conv.forward(x)";
  return "def forward(self, x):\n    return " +
         script_of(spec_.activation, spec_.norm ? "self.bn.forward(" + conv + ")" : conv) + "\n";
}

}  // namespace sonde::pairs
