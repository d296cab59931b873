#include "compare/rearrangement.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <ATen/Functions.h>

#include "compare/axis_order.h"
#include "compare/fingerprint.h"
#include "compare/known_orders.h"

namespace sonde::compare {
namespace {

using Dimensions = std::vector<std::int64_t>;

// How surprising it is, in bits, that just these values are found again elsewhere: so many different values, each of
// which could as well have been another one of them. Full-precision numbers meet by chance in a few of their bits only.
bool is_no_chance(const PlainPair& pair) {
  constexpr std::int64_t kEnough = 4096;
  constexpr double kBits = 24;
  const bool comparable = pair.reference.sizes() == pair.target.sizes();
  std::vector<at::Tensor> pieces;
  std::int64_t count = 0;
  in_pieces(pair.reference, pair.target, [&](const at::Tensor& a, const at::Tensor& b) {
    pieces.push_back(comparable ? a.masked_select(a.ne(b)) : a);
    pieces.back() = pieces.back().narrow(0, 0, std::min(kEnough, pieces.back().numel()));
    count += pieces.back().numel();
    return count < kEnough;
  });
  const auto values = at::cat(pieces);
  const auto different = static_cast<double>(std::get<0>(at::_unique(values)).numel());
  if (different < 2) return false;
  const bool coarse = at::equal(values.to(at::kBFloat16).to(at::kDouble), values);
  return different * (coarse ? std::min(8.0, std::log2(different)) : 20.0) >= kBits;
}

std::vector<Dimensions> orders_of_dimensions(std::int64_t count) {
  Dimensions order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::vector<Dimensions> orders{order};
  if (count > 5) return orders;  // 120 at most; no known weight has more dimensions
  while (std::ranges::next_permutation(order).found) orders.push_back(order);
  // A swap of two is told before a rotation of three.
  const auto moved = [](const Dimensions& dimensions) {
    std::int64_t sum = 0;
    for (std::size_t d = 0; d < dimensions.size(); ++d) sum += dimensions[d] != static_cast<std::int64_t>(d);
    return sum;
  };
  std::ranges::stable_sort(orders, {}, moved);
  return orders;
}

Dimensions sizes_in(const at::Tensor& tensor, const Dimensions& order) {
  Dimensions sizes;
  for (const auto d : order) sizes.push_back(tensor.size(d));
  return sizes;
}

std::string spelled(const Dimensions& order) {
  std::string text;
  for (const auto d : order) text += (text.empty() ? "" : ", ") + std::to_string(d);
  return "(" + text + ")";
}

// The target's dimension of the reference's dimension d is order[d].
std::string swapped_message(const Dimensions& order, const ParameterRole& role) {
  Dimensions moved;
  for (std::size_t d = 0; d < order.size(); ++d)
    if (order[d] != static_cast<std::int64_t>(d)) moved.push_back(static_cast<std::int64_t>(d));
  if (moved.size() > 2) return "its dimensions are in another order: the reference has " + spelled(order) + " of them";
  std::string text = "dimensions " + std::to_string(moved[0]) + " and " + std::to_string(moved[1]) + " are swapped";
  if (is_convolution(role) && moved[1] == 1) text += " (output and input channels)";
  return text;
}

std::string swap_repair(const Dimensions& order) {
  return order.size() == 2 ? "transpose it" : "permute its dimensions by " + spelled(order);
}

// The whole file or memory was read as it stands, into a tensor of another order of dimensions.
std::optional<Rearrangement> misread(const PlainPair& pair, const std::vector<Dimensions>& orders) {
  if (!pair.target.is_contiguous()) return std::nullopt;
  for (const auto& order : orders) {
    if (!at::equal(pair.target.reshape(sizes_in(pair.reference, order)), pair.reference.permute(order))) continue;
    const bool plain = std::ranges::is_sorted(order);
    return Rearrangement{plain ? Cause::parameter_shape : Cause::parameter_transposed,
                         plain ? "the same values, in another shape"
                               : "its memory was written with the dimensions in the order " + spelled(order) +
                                     " of the reference's, and read without a transposition",
                         plain ? "reshape it" : "read it as that shape, and transpose it"};
  }
  return std::nullopt;
}

AxisOrder flipped_along(const Dimensions& dimensions) {
  std::string text = dimensions.size() == 1 ? "spatial dimension " : "spatial dimensions ";
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    if (i > 0) text += i + 1 < dimensions.size() ? ", " : " and ";
    text += std::to_string(dimensions[i]);
  }
  return {Cause::parameter_flipped, "it is flipped along " + text, "flip it along " + text, {}};
}

// One order of dimensions, with the slices of each dimension perhaps in another order.
std::optional<Rearrangement> reordered(const PlainPair& pair, const Fingerprint& theirs, const Fingerprint& ours,
                                       const Dimensions& order, const ParameterRole& role) {
  const auto dimensions = static_cast<std::int64_t>(order.size());
  std::vector<AxisOrder> axes;
  for (std::int64_t d = 0; d < dimensions; ++d) {
    auto axis = axis_order(theirs.slices[d], ours.slices[order[d]], d, dimensions, role);
    if (!axis) return std::nullopt;
    axes.push_back(std::move(*axis));
  }
  auto expected = pair.reference;
  Rearrangement found;
  const bool plain = std::ranges::is_sorted(order);
  if (!plain) { found = {Cause::parameter_transposed, swapped_message(order, role), swap_repair(order)}; }
  Dimensions flipped;
  const auto tell = [&](const AxisOrder& axis) {
    // The most telling of several: a known layout before an order that follows none.
    if (found.message.empty() || axis.cause != Cause::parameter_permuted) found.cause = axis.cause;
    found.message += (found.message.empty() ? "" : "; ") + axis.message;
    found.repair += (found.repair.empty() ? "" : "; ") + axis.repair;
  };
  for (std::int64_t d = 0; d < dimensions; ++d) {
    const auto& axis = axes[d];
    if (axis.order.empty()) continue;
    expected = expected.index_select(d, at::tensor(axis.order, at::kLong));
    if (axis.cause == Cause::parameter_flipped) {
      flipped.push_back(d);
    } else {
      tell(axis);
    }
  }
  if (!flipped.empty()) tell(flipped_along(flipped));
  if (found.message.empty() || !at::equal(pair.target.permute(order), expected)) return std::nullopt;
  return found;
}

}  // namespace

std::optional<Rearrangement> find_rearrangement(const PlainPair& pair, const ParameterRole& role) {
  if (pair.reference.numel() != pair.target.numel() || pair.reference.numel() < 2) return std::nullopt;
  const auto theirs = fingerprint_of(pair.reference);
  const auto ours = fingerprint_of(pair.target);
  if (theirs.all != ours.all) return std::nullopt;
  const auto orders = orders_of_dimensions(pair.reference.dim());
  const bool same_rank = pair.reference.dim() == pair.target.dim();
  const auto fits = [&](const Dimensions& order) {
    return same_rank && at::IntArrayRef(sizes_in(pair.target, order)) == pair.reference.sizes();
  };
  if (!is_no_chance(pair)) return std::nullopt;
  for (const auto& order : orders)
    if (fits(order) && at::equal(pair.target.permute(order), pair.reference))
      return Rearrangement{Cause::parameter_transposed, swapped_message(order, role), swap_repair(order)};
  if (auto found = misread(pair, orders)) return found;
  for (const auto& order : orders)
    if (fits(order))
      if (auto found = reordered(pair, theirs, ours, order, role)) return found;
  return Rearrangement{Cause::parameter_permuted, "it holds the reference's values, each at another place than there",
                       "", false};
}

}  // namespace sonde::compare
