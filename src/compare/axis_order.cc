#include "compare/axis_order.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "compare/known_orders.h"

namespace sonde::compare {
namespace {

using Prints = std::vector<std::uint64_t>;

std::string slices_of(std::int64_t axis, std::int64_t dimensions, const ParameterRole& role) {
  if (dimensions == 1) return "elements";
  if (is_convolution(role)) {
    const bool transposed = role.operation.find("transpose") != std::string::npos;
    if (axis < 2) return (axis == 0) != transposed ? "output channels" : "input channels";
    return "spatial dimension " + std::to_string(axis);
  }
  if (axis == 0) return "rows";
  return axis == 1 && dimensions == 2 ? "columns" : "slices of dimension " + std::to_string(axis);
}

std::optional<AxisOrder> reversed(std::int64_t axis, const std::string& slices, const ParameterRole& role, Order order,
                                  const Fits& fits) {
  std::ranges::reverse(order);
  if (!fits(order)) return std::nullopt;
  if (axis >= 2) return AxisOrder{Cause::parameter_flipped, "", "", order};
  const std::string colours = order.size() == 3 && is_convolution(role) ? " (BGR against RGB)" : "";
  return AxisOrder{Cause::parameter_permuted, "its " + slices + " are in reverse order" + colours,
                   "reverse the " + slices, order};
}

// Equal prints in the order in which they come; a slice that is where it was stays there.
std::optional<AxisOrder> matched(const Prints& theirs, const Prints& ours, const std::string& slices) {
  std::unordered_map<std::uint64_t, std::vector<std::int64_t>> where;
  for (std::size_t i = theirs.size(); i-- > 0;)
    if (theirs[i] != ours[i]) where[theirs[i]].push_back(static_cast<std::int64_t>(i));
  AxisOrder found{Cause::parameter_permuted, "", "put the " + slices + " in the reference's order", Order(ours.size())};
  std::string examples;
  std::size_t moved = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    found.order[i] = static_cast<std::int64_t>(i);
    if (theirs[i] == ours[i]) continue;
    const auto place = where.find(ours[i]);
    if (place == where.end() || place->second.empty()) return std::nullopt;
    found.order[i] = place->second.back();
    place->second.pop_back();
    if (++moved <= 3)
      examples += (moved == 1 ? ": number " : ", ") + std::to_string(i) + " is the reference's " +
                  std::to_string(found.order[i]);
  }
  found.message = std::to_string(moved) + " of its " + std::to_string(ours.size()) + " " + slices +
                  " are in another order" + examples;
  return found;
}

}  // namespace

bool is_convolution(const ParameterRole& role) { return role.operation.find("conv") != std::string::npos; }

bool may_be_linear(const ParameterRole& role) {
  const auto is = [&](const char* name) { return role.operation.find(name) != std::string::npos; };
  return !is_convolution(role) && !is("lstm") && !is("gru") && !is("rnn") && !is("norm") && !is("embedding");
}

std::optional<AxisOrder> axis_order(const Prints& theirs, const Prints& ours, std::int64_t axis,
                                    std::int64_t dimensions, const ParameterRole& role) {
  if (theirs.size() != ours.size()) return std::nullopt;
  if (theirs == ours) return AxisOrder{};
  const auto slices = slices_of(axis, dimensions, role);
  auto any = matched(theirs, ours, slices);
  if (!any) return any;
  const auto size = static_cast<std::int64_t>(ours.size());
  const Fits fits = [&](const Order& order) {
    for (std::size_t i = 0; i < ours.size(); ++i)
      if (ours[i] != theirs[static_cast<std::size_t>(order[i])]) return false;
    return true;
  };
  Order plain(ours.size());
  std::iota(plain.begin(), plain.end(), 0);
  if (axis == 0)
    if (auto found = gate_order(size, role, fits)) return found;
  if (axis == 0)
    if (auto found = rotary_order(size, role, fits)) return found;
  if (axis < 2 && dimensions <= 2)
    if (auto found = flatten_order(size, axis == 0, role, fits)) return found;
  if (auto found = reversed(axis, slices, role, plain, fits)) return found;
  if (axis < 2)
    if (auto found = block_order(size, slices, fits)) return found;
  return any;
}

}  // namespace sonde::compare
