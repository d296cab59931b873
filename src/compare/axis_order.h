// In which order one dimension of a stored tensor is, and what that order is called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compare/parameter_diagnosis.h"

namespace sonde::compare {

struct AxisOrder {
  Cause cause = Cause::parameter_permuted;
  // "its row blocks are in the order i, f, o, g ..."; empty for a flip, which is told of all dimensions at once.
  std::string message;
  std::string repair;
  std::vector<std::int64_t> order;  // slice i of the target is slice order[i] of the reference; empty: the same order
};

// `theirs` and `ours` are the fingerprints of the slices along dimension `axis` of `dimensions`. Layouts that are known for
// the role are tried first, then any matching of equal prints. Nothing if the prints are not the same in another order.
[[nodiscard]] std::optional<AxisOrder> axis_order(const std::vector<std::uint64_t>& theirs,
                                                  const std::vector<std::uint64_t>& ours, std::int64_t axis,
                                                  std::int64_t dimensions, const ParameterRole& role);

}  // namespace sonde::compare
