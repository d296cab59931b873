// Faults of arguments and modes.
#include "compare/pairs.h"
#include "compare/weights.h"

namespace sonde::pairs {
namespace {

using compare::Cause;

template <typename M>
std::optional<Truth> at_module(Draft& draft, const std::function<bool(M&)>& suits,
                               const std::function<void(Deviation&)>& deviate, Truth truth) {
  const std::string path = draft.pick_module([&](torch::nn::Module& module) {
    auto* found = module.as<M>();
    return found != nullptr && suits(*found);
  });
  if (path.empty()) return std::nullopt;
  deviate(draft.config.at[path]);
  truth.layers = {path};
  return truth;
}

template <typename M>
std::optional<Truth> eps(Draft& draft, double value, bool silent) {
  return at_module<M>(
      draft, [](auto&) { return true; }, [&](Deviation& d) { d.eps = value; },
      {.causes = {Cause::argument}, .repairable = true, .silent = silent});
}

// A deviation at a place without parameters: an argument that is written in forward().
std::optional<Truth> at_site(Draft& draft, const std::function<bool(const Site&)>& suits,
                             const std::function<void(Deviation&)>& deviate, Truth truth) {
  const Site* site = draft.pick_site(suits);
  if (site == nullptr) return std::nullopt;
  deviate(draft.config.at[site->key]);
  truth.layers.push_back(site->layer);
  truth.operation = site->operation;
  return truth;
}

std::function<bool(const Site&)> of(SiteKind kind) {
  return [kind](const Site& site) { return site.kind == kind; };
}

std::function<bool(const Site&)> of(Activation activation) {
  return [activation](const Site& site) { return site.kind == SiteKind::activation && site.activation == activation; };
}

std::optional<Truth> norm_in_training(Draft& draft) {
  const std::string path =
      draft.pick_module([](auto& module) { return module.template as<torch::nn::BatchNorm2d>() != nullptr; });
  if (path.empty()) return std::nullopt;
  draft.edits.push_back([path](Network& target) { module_at(target, path)->train(); });
  return Truth{.layers = {path}, .causes = {Cause::training_mode}, .repairable = true};
}

std::optional<Truth> dropout_active(Draft& draft) {
  const Site* site = draft.pick_site(of(SiteKind::dropout));
  if (site == nullptr) return std::nullopt;
  const std::string path = site->key;
  draft.edits.push_back([path](Network& target) { module_at(target, path)->train(); });
  return Truth{.layers = {site->layer, path},
               .causes = {Cause::training_mode, Cause::not_deterministic},
               .structural = true,
               .repairable = true};
}

// What is in no tree has no path: the layer before may be named.
std::optional<Truth> unregistered_norm(Draft& draft) {
  return at_module<torch::nn::BatchNorm2dImpl>(
      draft, [](auto&) { return true; }, [](Deviation& d) { d.unregistered = true; },
      {.causes = {Cause::training_mode, Cause::parameter_not_registered, Cause::parameter_missing},
       .structural = true});
}

std::optional<Truth> padding_mode(Draft& draft) {
  const std::string mode = draft.random() % 2 == 0 ? "reflect" : "circular";
  return at_module<torch::nn::Conv2dImpl>(
      draft, [](auto& c) { return c.weight.size(2) > 1; }, [&](Deviation& d) { d.padding_mode = mode; },
      {.causes = {Cause::argument, Cause::operation_extra}, .structural = true});
}

std::optional<Truth> same_padding(Draft& draft) {
  return at_module<torch::nn::Conv2dImpl>(
      draft, [](auto& c) { return c.weight.size(2) == 3 && c.options.stride()->at(0) == 2; },
      [](Deviation& d) { d.same_padding = true; },
      {.causes = {Cause::argument, Cause::operation_extra}, .structural = true});
}

std::optional<Truth> dilation(Draft& draft) {
  return at_module<torch::nn::Conv2dImpl>(
      draft, [](auto& c) { return c.weight.size(2) > 1; }, [](Deviation& d) { d.dilated = true; },
      {.causes = {Cause::argument}, .repairable = true});
}

std::optional<Truth> groups_lost(Draft& draft) {
  return at_module<torch::nn::Conv2dImpl>(
      draft, [](auto& c) { return c.options.groups() > 1; }, [](Deviation& d) { d.without_groups = true; },
      {.causes = {Cause::argument, Cause::parameter_shape}});
}

FaultKind site_fault(std::string name, std::function<bool(const Site&)> suits, std::function<void(Deviation&)> deviate,
                     bool silent = false) {
  return {std::move(name), [=](Draft& draft) {
            return at_site(draft, suits, deviate, {.causes = {Cause::argument}, .silent = silent});
          }};
}

}  // namespace

std::vector<FaultKind> argument_faults() {
  std::vector<FaultKind> all{
      {"bn_eps", [](Draft& d) { return eps<torch::nn::BatchNorm2dImpl>(d, 1e-3, false); }},
      {"ln_eps_tiny", [](Draft& d) { return eps<torch::nn::LayerNormImpl>(d, 1e-12, true); }},
      {"ln_eps_large", [](Draft& d) { return eps<torch::nn::LayerNormImpl>(d, 1e-3, true); }},
      {"bn_training", norm_in_training},
      {"bn_unregistered", unregistered_norm},
      {"dropout_active", dropout_active},
      {"conv_padding_mode", padding_mode},
      {"conv_same_padding", same_padding},
      {"conv_dilation", dilation},
      {"groups_lost", groups_lost},
      site_fault("leaky_slope", of(Activation::leaky_relu),
                 [](Deviation& d) { d.activation = Activation::leaky_relu_default; }),
      site_fault("gelu_tanh", of(Activation::gelu), [](Deviation& d) { d.activation = Activation::gelu_tanh; }),
      site_fault("pool_includes_pad", of(SiteKind::mean_pool), [](Deviation& d) { d.other_padding_count = true; }),
      site_fault("pool_ceil_mode", of(SiteKind::uneven_pool), [](Deviation& d) { d.ceil_mode = true; }),
      site_fault("softmax_dim", of(SiteKind::softmax), [](Deviation& d) { d.dim = 0; }),
      site_fault("scale_wrong", of(SiteKind::scale), [](Deviation& d) { d.factor = 0.125; }),
      site_fault("align_corners", of(SiteKind::upsample), [](Deviation& d) { d.align_corners = true; }),
  };
  for (FaultKind& kind : all) {
    kind.alone = kind.name == "dropout_active" || kind.name == "pool_ceil_mode" || kind.name == "softmax_dim";
    // to() passes over the one, the other has no kernel for bfloat16.
    kind.precise = kind.name == "bn_unregistered" || kind.name == "conv_padding_mode";
  }
  return all;
}

}  // namespace sonde::pairs
