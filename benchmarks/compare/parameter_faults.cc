// Faults of stored tensors.
#include <cmath>

#include "compare/pairs.h"
#include "compare/weights.h"

namespace sonde::pairs {
namespace {

using compare::Cause;
using Change = std::function<at::Tensor(at::Tensor)>;
using Suits = std::function<bool(torch::nn::Module&)>;

template <typename... M>
bool any_of_kinds(torch::nn::Module& module) {
  return (... || (module.as<M>() != nullptr));
}

template <typename... M>
Suits kinds() {
  return [](torch::nn::Module& module) { return any_of_kinds<M...>(module); };
}

Suits conv(std::function<bool(const torch::nn::Conv2dImpl&)> suits) {
  return [suits](torch::nn::Module& module) {
    const auto* layer = module.as<torch::nn::Conv2d>();
    return layer != nullptr && suits(*layer);
  };
}

bool square(torch::nn::Module& module) {
  const auto* layer = module.as<torch::nn::Linear>();
  return layer != nullptr && layer->weight.size(0) == layer->weight.size(1);
}

const Suits kWeighted = [](torch::nn::Module& module) {
  return any_of_kinds<torch::nn::Conv2d, torch::nn::Linear>(module);
};

// One tensor of one layer.
FaultKind weight_fault(std::string name, Cause cause, Suits suits, Change change, bool silent = false) {
  return {std::move(name), [=](Draft& draft) -> std::optional<Truth> {
            const std::string path = draft.pick_module(suits);
            if (path.empty()) return std::nullopt;
            draft.edit(path + ".weight", change);
            return Truth{.layers = {path}, .causes = {cause}, .repairable = true, .silent = silent};
          }};
}

at::Tensor permutation(std::int64_t count) {
  at::Tensor order = torch::randperm(count);
  while (order.equal(torch::arange(count))) order = torch::randperm(count);
  return order;
}

at::Tensor on_integer_grid(const at::Tensor& x) {
  const double step = x.abs().max().item<double>() / 127;
  return torch::round(x / step) * step;
}

at::Tensor as_initialised(const at::Tensor& x) {
  at::Tensor fresh = torch::empty_like(x);
  torch::nn::init::kaiming_uniform_(fresh, std::sqrt(5.0));
  return fresh;
}

// Blocks of rows, of all tensors of the first layer.
FaultKind gate_order(std::string name, Suits suits, std::vector<std::int64_t> order) {
  return {std::move(name), [=](Draft& draft) -> std::optional<Truth> {
            const std::string path = draft.pick_module(suits);
            if (path.empty()) return std::nullopt;
            for (const std::string part : {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}) {
              draft.edit(path + "." + part, [=](at::Tensor x) {
                const auto blocks = x.chunk(static_cast<std::int64_t>(order.size()));
                std::vector<at::Tensor> moved;
                for (const std::int64_t i : order) moved.push_back(blocks[static_cast<std::size_t>(i)]);
                return torch::cat(moved);
              });
            }
            return Truth{.layers = {path}, .causes = {Cause::parameter_gate_order}, .repairable = true};
          }};
}

std::optional<Truth> buffers_not_copied(Draft& draft) {
  const std::string path = draft.pick_module(kinds<torch::nn::BatchNorm2d>());
  if (path.empty()) return std::nullopt;
  draft.edit(path + ".running_mean", [](at::Tensor x) { return torch::zeros_like(x); });
  draft.edit(path + ".running_var", [](at::Tensor x) { return torch::ones_like(x); });
  return Truth{.layers = {path}, .causes = {Cause::parameter_not_loaded}, .repairable = true};
}

std::optional<Truth> whole_layer_not_loaded(Draft& draft) {
  const std::string path = draft.pick_module(kWeighted);
  draft.edits.push_back([path](Network& target) {
    const auto layer = module_at(target, path);
    if (auto* conv = layer->as<torch::nn::Conv2d>()) conv->reset_parameters();
    if (auto* linear = layer->as<torch::nn::Linear>()) linear->reset_parameters();
  });
  return Truth{.layers = {path}, .causes = {Cause::parameter_not_loaded}, .repairable = true};
}

std::optional<Truth> columns_of_channels_last(Draft& draft) {
  const Site* site = draft.pick_site([](const Site& s) { return s.kind == SiteKind::flatten; });
  if (site == nullptr) return std::nullopt;
  const std::int64_t side = stored(draft.reference, "fc1.weight").size(1) == 144 ? 3 : 2;
  draft.edit(site->layer + ".weight", [side](at::Tensor x) {
    return x.view({x.size(0), -1, side, side}).permute({0, 2, 3, 1}).reshape(x.sizes()).clone();
  });
  return Truth{.layers = {site->layer}, .causes = {Cause::parameter_flatten_order}, .repairable = true};
}

// Queries and keys as interleaved pairs, for a rotation of halves.
std::optional<Truth> rotary_rows(Draft& draft) {
  const Site* site = draft.pick_site([](const Site& s) { return s.kind == SiteKind::rotary; });
  if (site == nullptr) return std::nullopt;
  const std::string attention = site->key.substr(0, site->key.rfind('.'));
  Truth truth{.causes = {Cause::parameter_rotary_layout}, .repairable = true};
  for (const std::string layer : {".q", ".k"}) {
    for (const std::string part : {".weight", ".bias"}) {
      draft.edit(attention + layer + part, [](at::Tensor x) {
        const at::Tensor heads = x.view({4, 2, 4, -1});
        return heads.transpose(1, 2).reshape(x.sizes()).clone();
      });
    }
    truth.layers.push_back(attention + layer);
  }
  return truth;
}

std::optional<Truth> recurrent_bias_lost(Draft& draft) {
  const std::string path = draft.pick_module(kinds<torch::nn::LSTM, torch::nn::GRU>());
  if (path.empty()) return std::nullopt;
  draft.edit(path + ".bias_hh_l0", [](at::Tensor x) { return torch::zeros_like(x); });
  return Truth{.layers = {path}, .causes = {Cause::parameter_not_loaded}, .repairable = true};
}

// Two layers of one shape, each with the other's weights.
std::optional<Truth> weights_swapped(Draft& draft) {
  const std::string path = draft.pick_module(kWeighted);
  const auto shape = stored(draft.reference, path + ".weight").sizes().vec();
  const std::string other = draft.pick_module([&](torch::nn::Module& module) {
    if (!kWeighted(module) || &module == module_at(draft.reference, path).get()) return false;
    for (const auto& item : module.named_parameters()) {
      if (item.key() == "weight" && item.value().sizes() == shape) return true;
    }
    return false;
  });
  if (other.empty()) return std::nullopt;
  const at::Tensor a = stored(draft.reference, path + ".weight"), b = stored(draft.reference, other + ".weight");
  draft.edit(path + ".weight", [b](at::Tensor) { return b.clone(); });
  draft.edit(other + ".weight", [a](at::Tensor) { return a.clone(); });
  return Truth{
      .layers = {path, other}, .causes = {Cause::parameter_value, Cause::parameter_permuted}, .repairable = true};
}

std::optional<Truth> bias_zero(Draft& draft) {
  const std::string path = draft.pick_module([](torch::nn::Module& module) {
    if (auto* conv = module.as<torch::nn::Conv2d>()) return conv->bias.defined();
    return any_of_kinds<torch::nn::Linear, torch::nn::BatchNorm2d, torch::nn::LayerNorm>(module);
  });
  draft.edit(path + ".bias", [](at::Tensor x) { return torch::zeros_like(x); });
  return Truth{.layers = {path}, .causes = {Cause::parameter_not_loaded}, .repairable = true};
}

}  // namespace

std::vector<FaultKind> parameter_faults() {
  const Suits spatial = conv([](const auto& c) { return c.weight.size(2) > 1; });
  const Suits dense =
      conv([](const auto& c) { return c.options.groups() == 1 && c.weight.size(0) == c.weight.size(1); });
  std::vector<FaultKind> all{
      {"bn_buffers", buffers_not_copied},
      weight_fault("conv_transposed", Cause::parameter_transposed, dense,
                   [](at::Tensor x) { return x.transpose(0, 1).clone(); }),
      weight_fault("conv_axes_swapped", Cause::parameter_transposed, spatial,
                   [](at::Tensor x) { return x.transpose(2, 3).clone(); }),
      weight_fault("conv_flipped", Cause::parameter_flipped, spatial,
                   [](at::Tensor x) {
                     return x.flip({2, 3});
                   }),
      weight_fault("linear_transposed", Cause::parameter_transposed, square,
                   [](at::Tensor x) { return x.t().clone(); }),
      weight_fault(
          "one_element", Cause::parameter_value, kWeighted,
          [](at::Tensor x) {
            at::Tensor y = x.clone();
            y.view(-1)[torch::randint(y.numel(), {1}).item<std::int64_t>()] += 0.01;
            return y;
          },
          true),
      weight_fault("half_weights", Cause::parameter_rounded, kWeighted,
                   [](at::Tensor x) { return x.to(torch::kHalf).to(x.dtype()); }),
      weight_fault("int8_weights", Cause::parameter_rounded, kWeighted, on_integer_grid),
      weight_fault("weight_not_loaded", Cause::parameter_not_loaded, kWeighted, as_initialised),
      {"layer_not_loaded", whole_layer_not_loaded},
      {"bias_zero", bias_zero},
      weight_fault("rows_permuted", Cause::parameter_permuted, kWeighted,
                   [](at::Tensor x) { return x.index_select(0, permutation(x.size(0))); }),
      weight_fault("weight_scaled", Cause::parameter_scaled, kWeighted, [](at::Tensor x) { return x * 1.1; }),
      weight_fault("embedding_shifted", Cause::parameter_permuted, kinds<torch::nn::Embedding>(),
                   [](at::Tensor x) { return x.roll(1, 0); }),
      {"flatten_columns", columns_of_channels_last},
      gate_order("lstm_gate_order", kinds<torch::nn::LSTM>(), {0, 3, 1, 2}),
      gate_order("gru_gate_order", kinds<torch::nn::GRU>(), {1, 0, 2}),
      {"recurrent_bias_lost", recurrent_bias_lost},
      {"rotary_rows", rotary_rows},
      {"weights_swapped", weights_swapped},
  };
  for (FaultKind& kind : all) kind.precise = kind.name == "half_weights";
  return all;
}

}  // namespace sonde::pairs
