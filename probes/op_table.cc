#include "probes/op_table.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace sonde::probes {
namespace {

using trace::OpClass;

// Outputs outside these have less than one per cent of the activation's greatest slope left:
// sigmoid' = a(1-a) < 0.0025, tanh' = 1-a^2 < 0.01; the hard versions are flat at their bounds.
constexpr Tails kSigmoidTails{0.002506, 0.997494};
constexpr Tails kTanhTails{-0.994987, 0.994987};
constexpr Tails kHardSigmoidTails{1e-6, 1 - 1e-6};
constexpr Tails kHardTanhTails{-1 + 1e-6, 1 - 1e-6};

// Base names, without namespace and without the in-place underscore.
const std::unordered_map<std::string_view, OpClass>& classes() {
  static const std::unordered_map<std::string_view, OpClass> map = [] {
    std::unordered_map<std::string_view, OpClass> m;
    const auto put = [&m](OpClass c, std::initializer_list<std::string_view> names) {
      for (auto name : names) m.emplace(name, c);
    };
    put(OpClass::linear, {"linear", "addmm", "matmul", "mm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "bilinear",
                          "einsum", "tensordot"});
    put(OpClass::convolution, {"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
                               "convolution", "_convolution"});
    put(OpClass::normalization,
        {"batch_norm", "layer_norm", "group_norm", "instance_norm", "local_response_norm", "rms_norm"});
    put(OpClass::embedding, {"embedding", "embedding_bag"});
    put(OpClass::recurrent,
        {"lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"});
    put(OpClass::attention, {"scaled_dot_product_attention", "_native_multi_head_attention"});
    put(OpClass::rectifier, {"relu", "relu6", "threshold"});
    put(OpClass::saturating, {"sigmoid", "tanh", "hardsigmoid", "hardtanh"});
    put(OpClass::activation, {"leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "hardshrink",
                              "softshrink", "rrelu", "glu", "log_sigmoid", "hardswish", "prelu"});
    put(OpClass::softmax, {"softmax", "_softmax"});
    put(OpClass::log_softmax, {"log_softmax", "_log_softmax"});
    put(OpClass::pooling,
        {"max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d",
         "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
         "adaptive_max_pool3d", "lp_pool1d", "lp_pool2d", "fractional_max_pool2d", "max_pool2d_with_indices"});
    put(OpClass::dropout, {"dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout"});
    put(OpClass::view, {"t",
                        "view",
                        "reshape",
                        "flatten",
                        "transpose",
                        "permute",
                        "slice",
                        "select",
                        "narrow",
                        "expand",
                        "expand_as",
                        "squeeze",
                        "unsqueeze",
                        "view_as",
                        "unflatten",
                        "unbind",
                        "split",
                        "split_with_sizes",
                        "chunk",
                        "detach",
                        "alias",
                        "as_strided",
                        "movedim",
                        "swapaxes",
                        "diagonal",
                        "unfold",
                        "T",
                        "mT",
                        "broadcast_tensors",
                        "broadcast_to",
                        "reshape_as",
                        "numpy_T",
                        "tensor_split",
                        "ravel"});
    put(OpClass::loss, {"mse_loss",
                        "binary_cross_entropy",
                        "binary_cross_entropy_with_logits",
                        "nll_loss",
                        "nll_loss_nd",
                        "nll_loss2d",
                        "cross_entropy_loss",
                        "kl_div",
                        "l1_loss",
                        "smooth_l1_loss",
                        "huber_loss",
                        "hinge_embedding_loss",
                        "cosine_embedding_loss",
                        "margin_ranking_loss",
                        "multi_margin_loss",
                        "multilabel_margin_loss",
                        "soft_margin_loss",
                        "triplet_margin_loss",
                        "poisson_nll_loss",
                        "ctc_loss"});
    put(OpClass::reduction, {"mean",
                             "sum",
                             "max",
                             "min",
                             "amax",
                             "amin",
                             "norm",
                             "linalg_norm",
                             "linalg_vector_norm",
                             "prod",
                             "std",
                             "var",
                             "logsumexp",
                             "argmax",
                             "argmin",
                             "median",
                             "nansum",
                             "nanmean",
                             "any",
                             "all",
                             "std_mean",
                             "var_mean",
                             "frobenius_norm",
                             "cumsum",
                             "cumprod",
                             "topk",
                             "sort",
                             "cdist",
                             "dist"});
    put(OpClass::pointwise, {"add",         "sub",
                             "rsub",        "mul",
                             "div",         "neg",
                             "exp",         "expm1",
                             "log",         "log1p",
                             "log2",        "log10",
                             "sqrt",        "rsqrt",
                             "pow",         "square",
                             "abs",         "clamp",
                             "clamp_min",   "clamp_max",
                             "clip",        "maximum",
                             "minimum",     "where",
                             "masked_fill", "reciprocal",
                             "sin",         "cos",
                             "tan",         "asin",
                             "acos",        "atan",
                             "atan2",       "erf",
                             "sign",        "floor",
                             "ceil",        "round",
                             "fmod",        "remainder",
                             "lerp",        "addcmul",
                             "addcdiv",     "eq",
                             "ne",          "lt",
                             "le",          "gt",
                             "ge",          "logical_and",
                             "logical_or",  "logical_not",
                             "isnan",       "isinf",
                             "isfinite",    "nan_to_num",
                             "softsign",    "cosine_similarity",
                             "true_divide", "xlogy",
                             "logaddexp",   "tril",
                             "triu"});
    put(OpClass::factory, {"empty",         "empty_like",   "empty_strided", "new_empty",  "new_empty_strided",
                           "zeros",         "zeros_like",   "new_zeros",     "ones",       "ones_like",
                           "new_ones",      "full",         "full_like",     "new_full",   "rand",
                           "rand_like",     "randn",        "randn_like",    "randint",    "randint_like",
                           "randperm",      "arange",       "linspace",      "logspace",   "eye",
                           "scalar_tensor", "one_hot",      "bernoulli",     "normal",     "multinomial",
                           "resize",        "tril_indices", "triu_indices",  "hann_window"});
    put(OpClass::copy, {"copy",
                        "to",
                        "_to_copy",
                        "clone",
                        "contiguous",
                        "cat",
                        "stack",
                        "concat",
                        "hstack",
                        "vstack",
                        "index",
                        "index_select",
                        "gather",
                        "repeat",
                        "repeat_interleave",
                        "roll",
                        "flip",
                        "_pad_enum",
                        "pad",
                        "constant_pad_nd",
                        "type_as",
                        "scatter",
                        "index_put",
                        "index_add",
                        "masked_select",
                        "take",
                        "upsample_nearest1d",
                        "upsample_nearest2d",
                        "upsample_nearest3d",
                        "upsample_bilinear2d",
                        "upsample_linear1d",
                        "pixel_shuffle",
                        "lift_fresh",
                        "float",
                        "fill",
                        "zero",
                        "uniform",
                        "cpu"});
    return m;
  }();
  return map;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view base_name(std::string_view operation) {
  if (const auto colons = operation.rfind("::"); colons != std::string_view::npos) operation.remove_prefix(colons + 2);
  if (operation.size() > 1 && operation.back() == '_') operation.remove_suffix(1);
  return operation;
}

}  // namespace

OpTraits op_traits(std::string_view operation) {
  OpTraits traits;
  const auto name = base_name(operation);
  traits.in_place = operation.size() > 1 && operation.back() == '_' && operation[operation.size() - 2] != '_';
  if (const auto it = classes().find(name); it != classes().end()) traits.op_class = it->second;
  traits.factory = traits.op_class == OpClass::factory;
  traits.uninitialised =
      one_of(name, {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "resize"});
  traits.counts_units = traits.op_class == OpClass::rectifier || traits.op_class == OpClass::linear ||
                        traits.op_class == OpClass::convolution;
  traits.layer =
      (traits.op_class >= OpClass::linear && traits.op_class <= OpClass::dropout) || traits.op_class == OpClass::loss;
  traits.clears = traits.in_place && (name == "zero" || name == "detach");
  if (name == "sigmoid") traits.tails = &kSigmoidTails;
  if (name == "tanh") traits.tails = &kTanhTails;
  if (name == "hardsigmoid") traits.tails = &kHardSigmoidTails;
  if (name == "hardtanh") traits.tails = &kHardTanhTails;
  return traits;
}

namespace {

// Parameter-free modules and the operations that stand for them (base names).
const std::unordered_map<std::string_view, std::vector<std::string_view>>& module_operations() {
  static const std::unordered_map<std::string_view, std::vector<std::string_view>> map = {
      {"ReLU", {"relu"}},
      {"ReLU6", {"relu6", "hardtanh"}},
      {"LeakyReLU", {"leaky_relu"}},
      {"ELU", {"elu"}},
      {"SELU", {"selu"}},
      {"CELU", {"celu"}},
      {"GELU", {"gelu"}},
      {"SiLU", {"silu"}},
      {"Mish", {"mish"}},
      {"Softplus", {"softplus"}},
      {"Hardtanh", {"hardtanh"}},
      {"Hardshrink", {"hardshrink"}},
      {"Softshrink", {"softshrink"}},
      {"RReLU", {"rrelu"}},
      {"GLU", {"glu"}},
      {"LogSigmoid", {"log_sigmoid"}},
      {"Sigmoid", {"sigmoid"}},
      {"Tanh", {"tanh"}},
      {"Threshold", {"threshold"}},
      {"Softsign", {"abs", "add", "div"}},
      {"Tanhshrink", {"tanh", "sub"}},
      {"Softmin", {"neg", "softmax"}},
      {"Softmax", {"softmax"}},
      {"Softmax2d", {"softmax"}},
      {"LogSoftmax", {"log_softmax"}},
      {"Dropout", {"dropout"}},
      {"Dropout2d", {"feature_dropout"}},
      {"Dropout3d", {"feature_dropout"}},
      {"AlphaDropout", {"alpha_dropout"}},
      {"FeatureAlphaDropout", {"feature_alpha_dropout"}},
      {"MaxPool1d", {"max_pool1d"}},
      {"MaxPool2d", {"max_pool2d"}},
      {"MaxPool3d", {"max_pool3d"}},
      {"AvgPool1d", {"avg_pool1d"}},
      {"AvgPool2d", {"avg_pool2d"}},
      {"AvgPool3d", {"avg_pool3d"}},
      {"AdaptiveAvgPool1d", {"adaptive_avg_pool1d"}},
      {"AdaptiveAvgPool2d", {"adaptive_avg_pool2d"}},
      {"AdaptiveAvgPool3d", {"adaptive_avg_pool3d"}},
      {"AdaptiveMaxPool1d", {"adaptive_max_pool1d"}},
      {"AdaptiveMaxPool2d", {"adaptive_max_pool2d"}},
      {"AdaptiveMaxPool3d", {"adaptive_max_pool3d"}},
      {"LPPool1d", {"lp_pool1d"}},
      {"LPPool2d", {"lp_pool2d"}},
      {"FractionalMaxPool2d", {"fractional_max_pool2d"}},
      {"Flatten", {"flatten"}},
      {"Unflatten", {"unflatten"}},
      {"Upsample",
       {"upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_bilinear2d", "upsample_linear1d"}},
      {"PixelShuffle", {"pixel_shuffle"}},
      {"BatchNorm1d", {"batch_norm"}},
      {"BatchNorm2d", {"batch_norm"}},
      {"BatchNorm3d", {"batch_norm"}},
      {"LayerNorm", {"layer_norm"}},
      {"GroupNorm", {"group_norm"}},
      {"InstanceNorm1d", {"instance_norm"}},
      {"InstanceNorm2d", {"instance_norm"}},
      {"InstanceNorm3d", {"instance_norm"}},
      {"ZeroPad2d", {"_pad_enum", "pad"}},
      {"ConstantPad2d", {"_pad_enum", "pad"}},
      {"ReflectionPad2d", {"_pad_enum", "pad"}},
      {"ReplicationPad2d", {"_pad_enum", "pad"}}};
  return map;
}

}  // namespace

bool module_calls(std::string_view module_type, std::string_view operation) {
  const auto it = module_operations().find(module_type);
  return it != module_operations().end() &&
         std::find(it->second.begin(), it->second.end(), base_name(operation)) != it->second.end();
}

bool is_parameter_free_type(std::string_view module_type) { return module_operations().contains(module_type); }

std::string_view short_module_type(std::string_view demangled) {
  // Template arguments may hold "::" themselves.
  const auto arguments = demangled.find('<');
  const auto colons = demangled.substr(0, arguments).rfind("::");
  if (colons != std::string_view::npos) demangled.remove_prefix(colons + 2);
  constexpr std::string_view kImpl = "Impl";
  if (demangled.size() > kImpl.size() && demangled.ends_with(kImpl)) demangled.remove_suffix(kImpl.size());
  return demangled;
}

}  // namespace sonde::probes
