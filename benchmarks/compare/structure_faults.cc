// Faults of what is computed from what, and of the input.
#include "compare/pairs.h"
#include "compare/weights.h"

namespace sonde::pairs {
namespace {

using compare::Cause;
using Suits = std::function<bool(const Site&)>;

Suits of(SiteKind kind) {
  return [kind](const Site& site) { return site.kind == kind; };
}

Suits of(Activation activation) {
  return [activation](const Site& site) { return site.kind == SiteKind::activation && site.activation == activation; };
}

FaultKind at_site(std::string name, Suits suits, std::function<void(Deviation&)> deviate, std::vector<Cause> causes,
                  bool silent = false) {
  return {std::move(name), [=](Draft& draft) -> std::optional<Truth> {
            const Site* site = draft.pick_site(suits);
            if (site == nullptr) return std::nullopt;
            deviate(draft.config.at[site->key]);
            return Truth{.layers = {site->layer},
                         .operation = site->operation,
                         .causes = causes,
                         .structural = true,
                         .silent = silent};
          }};
}

FaultKind activation_fault(std::string name, Activation from, Activation to, std::vector<Cause> causes,
                           bool silent = false) {
  return at_site(
      std::move(name), of(from), [to](Deviation& d) { d.activation = to; }, std::move(causes), silent);
}

FaultKind input_fault(std::string name, Cause cause, std::function<at::Tensor(at::Tensor)> prepare) {
  return {std::move(name),
          [=](Draft& draft) -> std::optional<Truth> {
            if (!module_at(draft.reference, "stem")) return std::nullopt;
            draft.prepare = prepare;
            return Truth{.layers = {"stem.conv", ""}, .causes = {cause}, .input = true};
          },
          true};
}

// The layer exists without the bias that the reference has.
std::optional<Truth> bias_missing(Draft& draft) {
  const std::string path = draft.pick_module([](torch::nn::Module& module) {
    if (auto* conv = module.as<torch::nn::Conv2d>()) return conv->bias.defined();
    return module.as<torch::nn::Linear>() != nullptr;
  });
  draft.config.at[path].without_bias = true;
  return Truth{.layers = {path}, .causes = {Cause::parameter_missing, Cause::argument}};
}

}  // namespace

std::vector<FaultKind> structure_faults() {
  const std::vector<Cause> missing{Cause::operation_missing}, kind{Cause::operation_kind},
      spelled{Cause::operation_kind, Cause::operation_missing, Cause::operation_extra};
  return {
      activation_fault("relu_missing", Activation::relu, Activation::none, missing),
      activation_fault("relu6_for_relu", Activation::relu, Activation::relu6, kind, true),
      activation_fault("relu_for_relu6", Activation::relu6, Activation::relu, kind, true),
      activation_fault("relu_for_leaky_relu", Activation::leaky_relu, Activation::relu, kind),
      activation_fault("silu_for_relu", Activation::relu, Activation::silu, kind),
      activation_fault("silu_for_hardswish", Activation::hardswish, Activation::silu, kind),
      activation_fault("relu_for_gelu", Activation::gelu, Activation::relu, kind),
      activation_fault("hard_sigmoid", Activation::hard_sigmoid, Activation::hard_sigmoid_keras, spelled),
      activation_fault("extra_activation", Activation::none, Activation::relu, {Cause::operation_extra}),
      at_site("bn_relu_order", of(SiteKind::order), [](Deviation& d) { d.other_order = true; },
              {Cause::operation_order, Cause::operation_missing, Cause::operation_extra}),
      at_site(
          "other_pool", [](const Site& s) { return s.kind == SiteKind::pool || s.kind == SiteKind::mean_pool; },
          [](Deviation& d) { d.other_kind = true; }, kind),
      at_site(
          "residual_missing", of(SiteKind::residual), [](Deviation& d) { d.left_out = true; }, missing),
      at_site("residual_wiring", of(SiteKind::residual), [](Deviation& d) { d.other_operand = true; },
              {Cause::operation_wiring}),
      at_site(
          "scale_missing", of(SiteKind::scale), [](Deviation& d) { d.left_out = true; }, missing),
      at_site(
          "mask_missing", of(SiteKind::mask), [](Deviation& d) { d.left_out = true; }, missing),
      at_site("rotary_pairs", of(SiteKind::rotary), [](Deviation& d) { d.other_kind = true; },
              {Cause::operation_kind, Cause::operation_wiring, Cause::operation_missing, Cause::operation_extra,
               Cause::operation_order, Cause::argument}),
      at_site("norm_dims", of(SiteKind::norm_dims), [](Deviation& d) { d.all_dims = true; },
              {Cause::argument, Cause::operation_extra, Cause::operation_kind}),
      at_site("post_norm", of(SiteKind::prenorm), [](Deviation& d) { d.other_order = true; },
              {Cause::operation_order, Cause::operation_wiring, Cause::operation_missing, Cause::operation_extra}),
      at_site(
          "flatten_order", of(SiteKind::flatten), [](Deviation& d) { d.channels_last = true; },
          {Cause::operation_wiring, Cause::operation_extra, Cause::operation_order, Cause::parameter_flatten_order}),
      {"bias_missing", bias_missing},
      input_fault("input_bgr", Cause::input_channels_flipped, [](at::Tensor x) { return x.flip(1); }),
      input_fault("input_scaled", Cause::input_scale, [](at::Tensor x) { return x / 255; }),
      input_fault("input_normalised", Cause::input_scale,
                  [](at::Tensor x) {
                    const at::Tensor mean = torch::tensor({0.485, 0.456, 0.406}).view({1, 3, 1, 1});
                    const at::Tensor deviation = torch::tensor({0.229, 0.224, 0.225}).view({1, 3, 1, 1});
                    return (x - mean.to(x.dtype())) / deviation.to(x.dtype());
                  }),
      input_fault("input_axes_swapped", Cause::input_layout, [](at::Tensor x) { return x.transpose(2, 3); }),
  };
}

}  // namespace sonde::pairs
