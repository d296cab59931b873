// How one stored tensor differs from another: identity tests, from the most specific to the least.
//
// Tests are exact where the difference is a rearrangement, and by rounding grids where it is a precision; statistics are
// used only where nothing exact holds. Source of the list: 36 conversion bugs, see docs/compare.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <sonde/comparison.h>

namespace sonde::compare {

// What the tensor is for: decides which rearrangements are known layouts.
struct ParameterRole {
  std::string
      operation;  // canonical kind: "conv2d", "conv_transpose2d", "linear", "lstm", "gru", "batch_norm", "embedding" ...
  std::string part;  // "weight", "bias", "running_mean", "running_var", "weight_ih", "weight_hh", "bias_ih", "bias_hh"
  // For a linear layer behind a flatten of (channels, height, width): these three; else empty.
  std::vector<std::int64_t> flattened;
  // For projections of attention: the number of heads where it is known; 0 otherwise (all divisors are tried).
  std::int64_t heads = 0;
};

struct ParameterDifference {
  Cause cause = Cause::parameter_value;
  std::string message;                // "its row blocks are in the order i, f, o, g; the reference has i, f, g, o"
  std::vector<std::string> evidence;  // with numbers: share of equal elements, correlation, relative error
  double relative_error = 0;          // L2 of (target - reference) over L2 of the reference; NaN if shapes differ
  bool benign = false;                // a rounding to the target's own precision: no fault in a model of that precision
  // The tensor that the target should hold, in the target's shape and dtype where these are right; undefined if only the
  // reference's own values mend it (the caller copies those).
  at::Tensor mended;
  std::string repair;  // "swap the last two dimensions", "copy the reference's values"
};

// Nothing if they are equal (also in different dtypes, if the target is the reference rounded to its own dtype and that is
// the precision of the whole target model: `reduced`). Both on any device; strides do not matter.
[[nodiscard]] std::optional<ParameterDifference> diagnose_parameter(const at::Tensor& reference,
                                                                    const at::Tensor& target, const ParameterRole& role,
                                                                    bool reduced);

// The two biases of a recurrent layer, of which some frameworks keep only the sum. Nothing if both are equal, or if they
// differ otherwise: diagnose_parameter() says how. Benign in an LSTM and a plain recurrent layer, to which only the sum
// matters; a GRU multiplies b_hn alone by the reset gate. `mended` is undefined: the caller copies both.
[[nodiscard]] std::optional<ParameterDifference> diagnose_merged_biases(const at::Tensor& reference_ih,
                                                                        const at::Tensor& reference_hh,
                                                                        const at::Tensor& target_ih,
                                                                        const at::Tensor& target_hh,
                                                                        const ParameterRole& role);

}  // namespace sonde::compare
