// Su et al., "RoFormer", 2021, rotates neighbouring pairs of a head's rows; GPT-NeoX and what follows it rotate row i and
// row i + d/2. Weights of the one give nonsense in the other, without an error.
#include "compare/known_orders.h"

namespace sonde::compare {
namespace {

// Of `width` rows in heads of `head`: the target's rows are pairs where the reference's are halves, or the other way round.
void append_heads(Order& order, std::int64_t begin, std::int64_t width, std::int64_t head, bool to_pairs) {
  const auto half = head / 2;
  for (std::int64_t at = begin; at < begin + width; at += head)
    for (std::int64_t i = 0; i < head; ++i)
      order.push_back(at + (to_pairs ? i % 2 * half + i / 2 : i % half * 2 + i / half));
}

void append_same(Order& order, std::int64_t begin, std::int64_t width) {
  for (std::int64_t i = begin; i < begin + width; ++i) order.push_back(i);
}

AxisOrder named(Order order, std::int64_t heads, bool to_pairs, const std::string& part) {
  const std::string pairs = "interleaved (pairs of neighbours)";
  const std::string count = std::to_string(heads) + (heads == 1 ? " head" : " heads");
  return {Cause::parameter_rotary_layout,
          "the rows" + part + " of its " + count + " are " + (to_pairs ? pairs : "in halves") +
              "; the reference has them " + (to_pairs ? "in halves" : pairs) + ": layouts of rotary embeddings",
          "put the rows of each head " + std::string(to_pairs ? "in halves" : "in pairs"), std::move(order)};
}

// Query and key of a fused projection, behind each other with the value: that has no position.
std::optional<AxisOrder> fused(std::int64_t size, std::int64_t head, bool to_pairs, const Fits& fits) {
  if (size % 3 != 0 || size / 3 % head != 0) return std::nullopt;
  const auto third = size / 3;
  Order order;
  append_heads(order, 0, 2 * third, head, to_pairs);
  append_same(order, 2 * third, third);
  if (!fits(order)) return std::nullopt;
  return named(std::move(order), third / head, to_pairs, " of query and key");
}

}  // namespace

std::optional<AxisOrder> rotary_order(std::int64_t size, const ParameterRole& role, const Fits& fits) {
  if (!may_be_linear(role)) return std::nullopt;
  std::vector<std::int64_t> counts;
  if (role.heads > 0 && size % role.heads == 0) counts.push_back(role.heads);
  // Also where the heads are known: keys may have fewer (grouped queries).
  for (std::int64_t heads = 1; heads <= size / 4; ++heads)
    if (size % heads == 0 && heads != role.heads) counts.push_back(heads);
  for (const auto heads : counts) {
    const auto head = size / heads;
    if (head % 2 != 0 || head < 4) continue;
    for (const bool to_pairs : {true, false}) {
      Order order;
      append_heads(order, 0, size, head, to_pairs);
      if (fits(order)) return named(std::move(order), heads, to_pairs, "");
      if (auto found = fused(size, head, to_pairs, fits)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace sonde::compare
