#include <algorithm>
#include <cmath>
#include <numeric>

#include "compare/known_orders.h"

namespace sonde::compare {
namespace {

// Indices of a (sizes...) block whose dimensions are read in the order `dimensions`.
Order reread(const std::vector<std::int64_t>& sizes, const std::vector<std::size_t>& dimensions) {
  Order order;
  const auto total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
  std::vector<std::int64_t> strides(sizes.size(), 1);
  for (std::size_t d = sizes.size() - 1; d-- > 0;) strides[d] = strides[d + 1] * sizes[d + 1];
  for (std::int64_t i = 0; i < total; ++i) {
    std::int64_t rest = i;
    std::int64_t index = 0;
    for (auto d = dimensions.rbegin(); d != dimensions.rend(); ++d) {
      index += rest % sizes[*d] * strides[*d];
      rest /= sizes[*d];
    }
    order.push_back(index);
  }
  return order;
}

bool is_square(std::int64_t n) {
  const auto root = std::llround(std::sqrt(static_cast<double>(n)));
  return root * root == n;
}

AxisOrder named(Order order, const std::string& slices, const std::string& ours, const std::string& theirs) {
  return {Cause::parameter_flatten_order,
          "its " + slices + " are in the order " + ours + "; the reference has " + theirs,
          "permute the " + slices + " to the order " + theirs, std::move(order)};
}

std::optional<AxisOrder> of_known(const std::vector<std::int64_t>& sizes, const std::string& slices, const Fits& fits) {
  static const std::string kLetters = "CHW";
  std::vector<std::size_t> plain{0, 1, 2};
  const auto spelled = [&](const std::vector<std::size_t>& dimensions) {
    std::string text;
    for (const auto d : dimensions) text += (text.empty() ? "" : ", ") + std::string(1, kLetters[d]);
    return "(" + text + ")";
  };
  const std::string where = " of (C, H, W) = (" + std::to_string(sizes[0]) + ", " + std::to_string(sizes[1]) + ", " +
                            std::to_string(sizes[2]) + ")";
  // NHWC first, where several are the same because a size is one.
  for (const auto& dimensions : {std::vector<std::size_t>{1, 2, 0}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}}) {
    auto order = reread(sizes, dimensions);
    if (fits(order)) return named(std::move(order), slices, spelled(dimensions) + where, spelled(plain));
    // The other way round: the reference is the one that is in that order.
    std::vector<std::int64_t> theirs;
    std::vector<std::size_t> back(3);
    for (std::size_t i = 0; i < 3; ++i) {
      theirs.push_back(sizes[dimensions[i]]);
      back[dimensions[i]] = i;
    }
    order = reread(theirs, back);
    if (fits(order)) return named(std::move(order), slices, spelled(plain) + where, spelled(dimensions));
  }
  return std::nullopt;
}

}  // namespace

std::optional<AxisOrder> flatten_order(std::int64_t size, bool rows, const ParameterRole& role, const Fits& fits) {
  if (!may_be_linear(role)) return std::nullopt;
  const std::string slices = rows ? "rows" : "columns";
  const auto& sizes = role.flattened;
  if (sizes.size() == 3 && sizes[0] > 0 && sizes[1] > 0 && sizes[2] > 0 && sizes[0] * sizes[1] * sizes[2] == size)
    if (auto found = of_known(sizes, slices, fits)) return found;
  for (std::int64_t a = 2; a <= size / 2; ++a) {
    if (size % a != 0) continue;
    const auto b = size / a;
    auto order = reread({a, b}, {1, 0});
    if (!fits(order)) continue;
    // The reference has (a, b), the target (b, a). Positions of an image are a square more often than channels are.
    const bool ours_is_nhwc = is_square(b) || !is_square(a);
    const auto channels = std::to_string(ours_is_nhwc ? a : b);
    const auto positions = std::to_string(ours_is_nhwc ? b : a);
    const std::string nchw = "(" + channels + " channels, " + positions + " positions), as NCHW flattens";
    const std::string nhwc = "(" + positions + " positions, " + channels + " channels), as NHWC flattens";
    return named(std::move(order), slices, ours_is_nhwc ? nhwc : nchw, ours_is_nhwc ? nchw : nhwc);
  }
  return std::nullopt;
}

}  // namespace sonde::compare
