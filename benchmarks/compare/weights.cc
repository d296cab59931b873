#include "compare/weights.h"

#include <cmath>
#include <regex>
#include <stdexcept>

#include <torch/script.h>

namespace sonde::pairs {
namespace {

// Rows of a trained layer differ in scale; those of an initialiser do not.
void fill_weight(at::Tensor weight, double deviation) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(weight.dim()), 1);
  rows[0] = weight.size(0);
  weight.copy_(torch::randn_like(weight) * deviation * torch::exp(0.3 * torch::randn(rows)));
}

void fill(torch::nn::Module& module) {
  const auto normal = [](at::Tensor tensor, double mean, double deviation) {
    if (tensor.defined()) tensor.normal_(mean, deviation);
  };
  if (auto* conv = module.as<torch::nn::Conv2d>()) {
    fill_weight(conv->weight, std::sqrt(2.0 / static_cast<double>(conv->weight[0].numel())));
    normal(conv->bias, 0, 0.2);
  } else if (auto* linear = module.as<torch::nn::Linear>()) {
    fill_weight(linear->weight, std::sqrt(1.5 / static_cast<double>(linear->weight.size(1))));
    normal(linear->bias, 0, 0.2);
  } else if (auto* embedding = module.as<torch::nn::Embedding>()) {
    normal(embedding->weight, 0.1, 0.4);
  } else if (auto* bn = module.as<torch::nn::BatchNorm2d>()) {
    normal(bn->weight, 1, 0.2);
    normal(bn->bias, 0.1, 0.3);
  } else if (auto* ln = module.as<torch::nn::LayerNorm>()) {
    normal(ln->weight, 1, 0.2);
    normal(ln->bias, 0.1, 0.3);
  } else if (module.as<torch::nn::LSTM>() || module.as<torch::nn::GRU>()) {
    for (auto& parameter : module.parameters(false)) {
      if (parameter.dim() > 1) {
        fill_weight(parameter, std::sqrt(1.5 / static_cast<double>(parameter.size(1))));
      } else {
        normal(parameter, 0, 0.3);
      }
    }
  }
}

std::vector<torch::nn::BatchNorm2dImpl*> norms(torch::nn::Module& network) {
  std::vector<torch::nn::BatchNorm2dImpl*> found;
  for (const auto& module : network.modules()) {
    if (auto* bn = module->as<torch::nn::BatchNorm2d>()) found.push_back(bn);
  }
  return found;
}

void fold(const torch::nn::BatchNorm2dImpl& bn, const torch::nn::Conv2dImpl& from, torch::nn::Conv2dImpl& to) {
  const at::Tensor factor = bn.weight / torch::sqrt(bn.running_var + bn.options.eps());
  to.weight.copy_(from.weight * factor.view({-1, 1, 1, 1}));
  to.bias.copy_(bn.bias - bn.running_mean * factor);
}

std::string script_text(const torch::nn::Module& module) {
  const auto forward = [](const std::string& body) { return "def forward(self, x):\n    return " + body + "\n"; };
  if (auto* block = dynamic_cast<const Block*>(&module)) return block->script();
  if (auto* conv = dynamic_cast<const torch::nn::Conv2dImpl*>(&module)) {
    const auto twice = [](std::int64_t value) {
      return "[" + std::to_string(value) + ", " + std::to_string(value) + "]";
    };
    const auto& o = conv->options;
    return forward("torch.conv2d(x, self.weight, " + std::string(conv->bias.defined() ? "self.bias" : "None") + ", " +
                   twice(o.stride()->at(0)) + ", " + twice(o.kernel_size()->at(0) / 2) + ", [1, 1], " +
                   std::to_string(o.groups()) + ")");
  }
  if (dynamic_cast<const torch::nn::BatchNorm2dImpl*>(&module) != nullptr) {
    return forward(
        "torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, False, 0.1, 1e-5, False)");
  }
  if (dynamic_cast<const torch::nn::LinearImpl*>(&module) != nullptr) {
    return forward("torch.linear(x, self.weight, self.bias)");
  }
  if (dynamic_cast<const torch::nn::LayerNormImpl*>(&module) != nullptr) {
    return forward("torch.layer_norm(x, [x.size(-1)], self.weight, self.bias, 1e-5)");
  }
  if (dynamic_cast<const torch::nn::EmbeddingImpl*>(&module) != nullptr) {
    return forward("torch.embedding(self.weight, x)");
  }
  if (dynamic_cast<const torch::nn::DropoutImpl*>(&module) != nullptr) return forward("torch.dropout(x, 0.2, False)");
  const std::string weights = "self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0";
  if (dynamic_cast<const torch::nn::LSTMImpl*>(&module) != nullptr) {
    return "def forward(self, x):\n    h = torch.zeros([2, x.size(0), 32], dtype=x.dtype)\n"
           "    y, hn, cn = torch.lstm(x, [h, h], [" +
           weights +
           ", self.weight_ih_l1, self.weight_hh_l1, self.bias_ih_l1, self.bias_hh_l1], True, 2, 0.0, False, False, "
           "True)\n    return y\n";
  }
  if (dynamic_cast<const torch::nn::GRUImpl*>(&module) != nullptr) {
    return "def forward(self, x):\n    h = torch.zeros([1, x.size(0), 32], dtype=x.dtype)\n    y, hn = torch.gru(x, h, "
           "[" +
           weights + "], True, 1, 0.0, False, False, True)\n    return y\n";
  }
  throw std::logic_error("no TorchScript text for " + module.name());
}

torch::jit::Module scripted(const torch::nn::Module& module, const std::string& name, const std::string& prefix) {
  torch::jit::Module script(name);
  for (const auto& item : module.named_parameters(false)) {
    if (item.value().defined()) script.register_parameter(item.key(), item.value().detach().clone(), false);
  }
  for (const auto& item : module.named_buffers(false)) {
    if (item.value().defined()) script.register_parameter(item.key(), item.value().clone(), true);
  }
  for (const auto& child : module.named_children()) {
    script.register_module(prefix + child.key(), scripted(*child.value(), name + "_" + child.key(), prefix));
  }
  static const std::regex children("self\\.(\\w+)\\.forward");
  script.define(std::regex_replace(script_text(module), children, "self." + prefix + "$1.forward"));
  return script;
}

}  // namespace

at::Tensor make_input(const Architecture& architecture, std::uint64_t seed) {
  torch::manual_seed(seed);
  if (architecture.tokens > 0) return torch::randint(architecture.tokens, architecture.input, torch::kLong);
  // Smooth over space, with unlike channels, as images are.
  const auto& shape = architecture.input;
  const at::Tensor coarse = torch::randn({shape[0], shape[1], shape[2] / 4, shape[3] / 4});
  const at::Tensor smooth = torch::upsample_bilinear2d(coarse, {shape[2], shape[3]}, false);
  const at::Tensor shift = torch::tensor({0.4, 0.0, -0.3}).view({1, 3, 1, 1});
  return smooth + 0.2 * torch::randn(shape) + shift;
}

void train_like(Network& network, const Architecture& architecture, std::uint64_t seed) {
  const torch::NoGradGuard no_gradients;
  torch::manual_seed(seed);
  for (const auto& module : network.modules()) fill(*module);
  const auto all = norms(network);
  std::vector<double> momenta;
  for (auto* bn : all) {
    momenta.push_back(*bn->options.momentum());
    bn->options.momentum(0.4);
  }
  network.train();
  if (!all.empty()) {
    for (std::uint64_t pass = 0; pass < 8; ++pass) network.forward(make_input(architecture, seed * 100 + pass + 50));
  }
  network.eval();
  for (std::size_t i = 0; i < all.size(); ++i) all[i]->options.momentum(momenta[i]);
}

at::Tensor stored(const torch::nn::Module& network, const std::string& name) {
  const auto parameters = network.named_parameters();
  if (const at::Tensor* found = parameters.find(name)) return *found;
  const auto buffers = network.named_buffers();
  if (const at::Tensor* found = buffers.find(name)) return *found;
  return {};
}

std::shared_ptr<torch::nn::Module> module_at(const torch::nn::Module& network, const std::string& path) {
  const auto modules = network.named_modules();
  const auto* found = modules.find(path);
  return found != nullptr ? *found : nullptr;
}

void copy_weights(const Network& from, Network& to) {
  const torch::NoGradGuard no_gradients;
  const auto copy = [&](const std::string& name, at::Tensor tensor) {
    const at::Tensor source = tensor.defined() ? stored(from, name) : at::Tensor();
    if (source.defined()) tensor.copy_(source);
  };
  const auto copy_all = [&](const std::string& prefix, const torch::nn::Module& module) {
    for (const auto& item : module.named_parameters()) copy(prefix + item.key(), item.value());
    for (const auto& item : module.named_buffers()) copy(prefix + item.key(), item.value());
  };
  copy_all("", to);
  for (const Unregistered& module : to.blueprint.unregistered) copy_all(module.path + ".", *module.module);
  for (const auto& item : to.named_modules()) {
    const std::string& path = item.key();
    if (path.size() < 5 || path.compare(path.size() - 5, 5, ".conv") != 0) continue;
    const auto norm = module_at(from, path.substr(0, path.size() - 4) + "bn");
    auto* conv = item.value()->as<torch::nn::Conv2d>();
    if (norm && conv->bias.defined()) {
      fold(*norm->as<torch::nn::BatchNorm2d>(), *module_at(from, path)->as<torch::nn::Conv2d>(), *conv);
    }
  }
}

torch::jit::Module to_script(const Network& network, bool renamed) {
  torch::jit::Module script = scripted(network, "Network", renamed ? "original_" : "");
  script.eval();
  return script;
}

}  // namespace sonde::pairs
