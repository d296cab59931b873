// How a network is written: what a port of it may get wrong, place by place. The defaults are the reference.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sonde::pairs {

enum class Activation : std::uint8_t {
  none,
  relu,
  relu6,
  leaky_relu,          // slope 0.1
  leaky_relu_default,  // slope 0.01
  silu,
  gelu,
  gelu_tanh,
  hardswish,
  hard_sigmoid,
  hard_sigmoid_keras,  // 0.2 x + 0.5 instead of x / 6 + 0.5
};

// What is different at one place of a network. Which fields a place reads follows from what it is.
struct Deviation {
  std::optional<double> eps, momentum, probability;  // of a normalisation, a normalisation, a dropout
  std::optional<Activation> activation;
  std::optional<std::int64_t> dim;  // of a softmax
  std::optional<double> factor;     // of a scaling
  std::string padding_mode;         // of a convolution: "reflect", "circular"
  bool left_out = false;            // a residual, mask or scaling
  bool other_operand = false;       // a residual taken from another tensor
  bool other_order = false;         // activation before normalisation; normalisation behind the residual
  bool unregistered = false;        // the module is a plain member
  bool without_bias = false;
  bool same_padding = false;         // a convolution with stride 2 padded on the right and at the bottom only
  bool dilated = false;              // a convolution with dilation 2, and padding to match
  bool without_groups = false;       // a depthwise convolution made dense
  bool other_kind = false;           // average for maximum pooling and the reverse; interleaved for halved rotation
  bool ceil_mode = false;            // of a pooling
  bool other_padding_count = false;  // count_include_pad of an average pooling
  bool align_corners = false;        // of an upsampling
  bool all_dims = false;             // of a layer normalisation: over the sequence too
  bool channels_last = false;        // a flatten in the order height, width, channels
};

// The same computation in other words.
struct Spelling {
  bool linear_as_matmul = false;
  bool activations_spelled_out = false;  // silu, gelu, hardswish
  bool in_place = false;                 // relu
  bool view_for_flatten = false;
  bool contiguous = false;           // superfluous copies
  bool pointwise_as_linear = false;  // 1 x 1 convolutions
  bool norms_folded = false;         // into the convolution before
  bool attention_fused = false;      // one operation for scores, softmax and sum
  bool attention_batched = false;    // bmm on merged batch and head dimensions
  bool split_rotation = false;       // chunk and stack where the reference slices
};

struct Config {
  std::map<std::string, Deviation> at;
  Spelling spelling;
};

// A place where a network can deviate.
enum class SiteKind : std::uint8_t {
  activation,  // Site::activation is what the reference has there
  order,       // normalisation before activation
  residual,
  pool,         // maximum
  uneven_pool,  // the same, where rounding up adds a row
  mean_pool,    // average, padded
  softmax,
  scale,
  mask,
  rotary,
  dropout,
  norm_dims,
  upsample,
  flatten,
  prenorm,
};

struct Site {
  SiteKind kind;
  std::string key;        // into Config::at
  std::string layer;      // with parameters, the last before the operation
  std::string operation;  // as the operator is called
  Activation activation = Activation::none;
};

}  // namespace sonde::pairs
