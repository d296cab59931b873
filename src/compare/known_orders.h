// Layouts by which frameworks order the rows and columns of the same weights.
#pragma once

#include <functional>

#include "compare/axis_order.h"

namespace sonde::compare {

using Order = std::vector<std::int64_t>;
// Whether the target is in this order.
using Fits = std::function<bool(const Order&)>;

// Row blocks of recurrent layers: Torch has i, f, g, o and r, z, n.
[[nodiscard]] std::optional<AxisOrder> gate_order(std::int64_t size, const ParameterRole& role, const Fits& fits);

// Rows of the heads of a projection, for rotary position embeddings: interleaved pairs against halves.
[[nodiscard]] std::optional<AxisOrder> rotary_order(std::int64_t size, const ParameterRole& role, const Fits& fits);

// Columns behind a flatten, or rows before an unflatten: NHWC against NCHW.
[[nodiscard]] std::optional<AxisOrder> flatten_order(std::int64_t size, bool rows, const ParameterRole& role,
                                                     const Fits& fits);

// Blocks of 1/2, 1/3 or 1/4 in another order, as of the parts of a fused projection; and these parts head by head.
[[nodiscard]] std::optional<AxisOrder> block_order(std::int64_t size, const std::string& slices, const Fits& fits);

[[nodiscard]] bool is_convolution(const ParameterRole& role);
// Whether it is or might be the matrix of a linear layer, and the vector that belongs to it.
[[nodiscard]] bool may_be_linear(const ParameterRole& role);

}  // namespace sonde::compare
