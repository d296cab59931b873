// Orders of blocks. Gates: Torch i, f, g, o against ONNX i, o, f, c and TensorFlow 1 i, c, f, o; Torch r, z, n against ONNX
// and Keras z, r, h.
#include <algorithm>
#include <numeric>

#include "compare/known_orders.h"

namespace sonde::compare {
namespace {

Order in_blocks(std::int64_t size, const std::vector<std::int64_t>& blocks) {
  const auto block = size / static_cast<std::int64_t>(blocks.size());
  Order order;
  for (const auto b : blocks)
    for (std::int64_t i = 0; i < block; ++i) order.push_back(b * block + i);
  return order;
}

// The first order of so many equal blocks that fits, but for the given one.
std::vector<std::int64_t> fitting_blocks(std::int64_t size, std::int64_t count, const Fits& fits) {
  if (size % count != 0 || size == count) return {};
  std::vector<std::int64_t> blocks(count);
  std::iota(blocks.begin(), blocks.end(), 0);
  while (std::ranges::next_permutation(blocks).found)
    if (fits(in_blocks(size, blocks))) return blocks;
  return {};
}

std::string letters(const std::vector<std::int64_t>& blocks, const char* const* names) {
  std::string text;
  for (const auto b : blocks) text += (text.empty() ? "" : ", ") + std::string(names[b]);
  return text;
}

}  // namespace

std::optional<AxisOrder> gate_order(std::int64_t size, const ParameterRole& role, const Fits& fits) {
  static constexpr const char* kLstm[] = {"i", "f", "g", "o"};
  static constexpr const char* kGru[] = {"r", "z", "n"};
  const bool recurrent = role.part.find("_ih") != std::string::npos || role.part.find("_hh") != std::string::npos;
  for (const auto& [name, gates, count] : {std::tuple{"lstm", kLstm, 4}, std::tuple{"gru", kGru, 3}}) {
    const bool known = role.operation.find(name) != std::string::npos;
    if (!known && !(recurrent && role.operation.empty())) continue;
    const auto blocks = fitting_blocks(size, count, fits);
    if (blocks.empty()) continue;
    std::vector<std::int64_t> plain(count);
    std::iota(plain.begin(), plain.end(), 0);
    return AxisOrder{
        Cause::parameter_gate_order,
        "its row blocks are in the order " + letters(blocks, gates) + "; the reference has " + letters(plain, gates),
        "put the row blocks in the order " + letters(plain, gates), in_blocks(size, blocks)};
  }
  return std::nullopt;
}

std::optional<AxisOrder> block_order(std::int64_t size, const std::string& slices, const Fits& fits) {
  for (const std::int64_t count : {2, 3, 4}) {
    const auto blocks = fitting_blocks(size, count, fits);
    if (blocks.empty()) continue;
    std::string text;
    for (const auto b : blocks) text += (text.empty() ? "" : ", ") + std::to_string(b);
    return AxisOrder{
        Cause::parameter_permuted,
        "its " + slices + " are " + std::to_string(count) + " blocks in the order " + text + " of the reference's",
        "put the blocks of " + slices + " in the reference's order", in_blocks(size, blocks)};
  }
  for (std::int64_t heads = 2; size % 3 == 0 && heads < size / 3; ++heads) {
    if (size / 3 % heads != 0) continue;
    const auto width = size / 3 / heads;
    for (const bool by_head : {true, false}) {  // the target's order
      Order order;
      const auto add = [&](std::int64_t part, std::int64_t head) {
        for (std::int64_t i = 0; i < width; ++i)
          order.push_back(by_head ? (part * heads + head) * width + i : (head * 3 + part) * width + i);
      };
      for (std::int64_t k = 0; k < 3 * heads; ++k) by_head ? add(k % 3, k / 3) : add(k / heads, k % heads);
      if (!fits(order)) continue;
      const auto parts = std::to_string(heads) + " heads";
      return AxisOrder{Cause::parameter_permuted,
                       by_head ? "its " + slices + " hold the three parts of a projection head by head, " + parts +
                                     "; the reference has one part after the other"
                               : "its " + slices +
                                     " hold the three parts of a projection one after the other; the "
                                     "reference has them head by head, " +
                                     parts,
                       "put the " + slices + " in the reference's order", std::move(order)};
    }
  }
  return std::nullopt;
}

}  // namespace sonde::compare
