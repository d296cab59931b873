#include "compare/module_options.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include <torch/nn/functional/instancenorm.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/modules/pooling.h>

namespace sonde::compare {
namespace {

using Value = c10::IValue;

bool is_number(const Value& value) { return value.isDouble() || value.isInt(); }
double number(const Value& value) { return value.toScalar().toDouble(); }

// Sets options.NAME() of a module, whatever its type.
#define SONDE_OPTION(NAME)                                    \
  template <typename M, typename T>                           \
  bool set_##NAME(M& module, const T& value) {                \
    if constexpr (requires { module.options.NAME(value); }) { \
      module.options.NAME(value);                             \
      return true;                                            \
    } else {                                                  \
      return false;                                           \
    }                                                         \
  }
SONDE_OPTION(eps)
SONDE_OPTION(negative_slope)
SONDE_OPTION(alpha)
SONDE_OPTION(min_val)
SONDE_OPTION(max_val)
SONDE_OPTION(dim)
SONDE_OPTION(approximate)
SONDE_OPTION(ceil_mode)
SONDE_OPTION(count_include_pad)
SONDE_OPTION(divisor_override)
SONDE_OPTION(groups)
SONDE_OPTION(stride)
SONDE_OPTION(padding)
SONDE_OPTION(dilation)
SONDE_OPTION(kernel_size)
#undef SONDE_OPTION

// As many numbers as the module has dimensions.
template <std::size_t D>
std::optional<torch::ExpandingArray<D>> sizes(const Value& value) {
  if (value.isInt()) return torch::ExpandingArray<D>(value.toInt());
  if (!value.isIntList()) return std::nullopt;
  const auto list = value.toIntVector();
  if (list.size() == 1) return torch::ExpandingArray<D>(list[0]);
  if (list.size() != D) return std::nullopt;
  return torch::ExpandingArray<D>(list);
}

template <std::size_t D, typename M>
bool set_sizes(M& module, std::string_view argument, const Value& value) {
  const auto list = sizes<D>(value);
  if (!list) return false;
  if (argument == "stride") return set_stride(module, *list);
  if (argument == "padding") return set_padding(module, *list);
  if (argument == "dilation") return set_dilation(module, *list);
  if (argument == "kernel_size") return set_kernel_size(module, *list);
  return false;
}

template <typename M>
bool set_plain(M& module, std::string_view argument, const Value& value) {
  if (is_number(value)) {
    if (argument == "eps") return set_eps(module, number(value));
    if (argument == "negative_slope") return set_negative_slope(module, number(value));
    if (argument == "alpha") return set_alpha(module, number(value));
    if (argument == "min_val") return set_min_val(module, number(value));
    if (argument == "max_val") return set_max_val(module, number(value));
  }
  if (value.isInt()) {
    if (argument == "dim") return set_dim(module, value.toInt());
    if (argument == "groups") return set_groups(module, value.toInt());
    if (argument == "divisor_override") return set_divisor_override(module, value.toInt());
  }
  if (value.isBool()) {
    if (argument == "ceil_mode") return set_ceil_mode(module, value.toBool());
    if (argument == "count_include_pad") return set_count_include_pad(module, value.toBool());
  }
  if (value.isString() && argument == "approximate") return set_approximate(module, value.toStringRef());
  return false;
}

// One line a type: which operation it runs, and in how many dimensions.
template <typename Visit>
bool visit(torch::nn::Module& module, const Visit& visitor) {
  using namespace torch::nn;  // NOLINT(google-build-using-namespace): a table of its names
  const auto as = [&]<typename M>(std::type_identity<M>, const char* operation, auto dimensions) {
    auto* found = dynamic_cast<M*>(&module);
    return found != nullptr && visitor(*found, operation, dimensions);
  };
  constexpr std::integral_constant<std::size_t, 0> none{};
  constexpr std::integral_constant<std::size_t, 1> one{};
  constexpr std::integral_constant<std::size_t, 2> two{};
  constexpr std::integral_constant<std::size_t, 3> three{};
  return as(std::type_identity<BatchNorm1dImpl>{}, "batch_norm", none) ||
         as(std::type_identity<BatchNorm2dImpl>{}, "batch_norm", none) ||
         as(std::type_identity<BatchNorm3dImpl>{}, "batch_norm", none) ||
         as(std::type_identity<InstanceNorm1dImpl>{}, "instance_norm", none) ||
         as(std::type_identity<InstanceNorm2dImpl>{}, "instance_norm", none) ||
         as(std::type_identity<InstanceNorm3dImpl>{}, "instance_norm", none) ||
         as(std::type_identity<LayerNormImpl>{}, "layer_norm", none) ||
         as(std::type_identity<GroupNormImpl>{}, "group_norm", none) ||
         as(std::type_identity<Conv1dImpl>{}, "conv1d", one) || as(std::type_identity<Conv2dImpl>{}, "conv2d", two) ||
         as(std::type_identity<Conv3dImpl>{}, "conv3d", three) ||
         as(std::type_identity<ConvTranspose1dImpl>{}, "conv_transpose1d", one) ||
         as(std::type_identity<ConvTranspose2dImpl>{}, "conv_transpose2d", two) ||
         as(std::type_identity<ConvTranspose3dImpl>{}, "conv_transpose3d", three) ||
         as(std::type_identity<AvgPool1dImpl>{}, "avg_pool1d", one) ||
         as(std::type_identity<AvgPool2dImpl>{}, "avg_pool2d", two) ||
         as(std::type_identity<AvgPool3dImpl>{}, "avg_pool3d", three) ||
         as(std::type_identity<MaxPool1dImpl>{}, "max_pool1d", one) ||
         as(std::type_identity<MaxPool2dImpl>{}, "max_pool2d", two) ||
         as(std::type_identity<MaxPool3dImpl>{}, "max_pool3d", three) ||
         as(std::type_identity<GELUImpl>{}, "gelu", none) || as(std::type_identity<SoftmaxImpl>{}, "softmax", none) ||
         as(std::type_identity<LogSoftmaxImpl>{}, "log_softmax", none) ||
         as(std::type_identity<LeakyReLUImpl>{}, "leaky_relu", none) ||
         as(std::type_identity<ELUImpl>{}, "elu", none) || as(std::type_identity<HardtanhImpl>{}, "clamp", none) ||
         as(std::type_identity<DropoutImpl>{}, "dropout", none) ||
         as(std::type_identity<Dropout2dImpl>{}, "feature_dropout", none) ||
         as(std::type_identity<AlphaDropoutImpl>{}, "alpha_dropout", none);
}

}  // namespace

std::vector<torch::nn::Module*> modules_running(torch::nn::Module& root, std::string_view operation) {
  std::vector<torch::nn::Module*> found;
  for (const auto& module : root.modules(/*include_self=*/false))
    if (visit(*module, [&](auto&, const char* runs, auto) { return operation == runs; })) found.push_back(module.get());
  return found;
}

torch::nn::Module* module_at(torch::nn::Module& root, const std::string& path) {
  if (path.empty()) return nullptr;
  for (const auto& item : root.named_modules("", /*include_self=*/false))
    if (item.key() == path) return item.value().get();
  return nullptr;
}

bool set_option(torch::nn::Module& module, std::string_view argument, const c10::IValue& value) {
  if (argument == "training" || argument == "train" || argument == "use_input_stats") {
    if (!value.isBool()) return false;
    module.train(value.toBool());
    return true;
  }
  return visit(module, [&]<typename M>(M& found, const char*, auto dimensions) {
    if (set_plain(found, argument, value)) return true;
    if constexpr (dimensions() > 0) {
      return set_sizes<dimensions()>(found, argument, value);
    } else {
      return false;
    }
  });
}

}  // namespace sonde::compare
