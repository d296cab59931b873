#include "compare/items.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

namespace sonde::compare {

std::vector<int> data_flow_order(const Side& side) {
  const std::size_t n = side.items.size();
  std::unordered_map<int, int> makers;
  for (std::size_t i = 0; i < n; ++i)
    for (const int output : side.items[i].outputs) makers[output] = static_cast<int>(i);

  // Items that an item takes from, and how long the longest way to it is; execution order is topological.
  std::vector<std::vector<int>> before(n);
  std::vector<int> depth(n, 1);
  for (std::size_t i = 0; i < n; ++i) {
    for (const int input : side.items[i].inputs)
      if (const auto maker = makers.find(input); maker != makers.end()) before[i].push_back(maker->second);
    for (const int maker : before[i]) depth[i] = std::max(depth[i], depth[static_cast<std::size_t>(maker)] + 1);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (side.items[i].kind != "add" && side.items[i].kind != "mul") continue;
    std::ranges::stable_sort(before[i], std::ranges::greater{},
                             [&](int maker) { return depth[static_cast<std::size_t>(maker)]; });
  }

  // Nothing takes from an idle dropout; it stands behind what it takes from.
  std::vector<std::vector<int>> idle(n);
  for (std::size_t i = 0; i < n; ++i)
    if (side.items[i].optional && !before[i].empty())
      idle[static_cast<std::size_t>(before[i][0])].push_back(static_cast<int>(i));

  std::vector<int> order;
  std::vector<bool> placed(n, false);
  const auto visit = [&](int root) {
    std::vector<std::pair<int, std::size_t>> open{{root, 0}};  // an item, and how many it takes from were visited
    while (!open.empty()) {
      auto& [item, next] = open.back();
      const auto& takes_from = before[static_cast<std::size_t>(item)];
      if (placed[static_cast<std::size_t>(item)]) {
        open.pop_back();
      } else if (next < takes_from.size()) {
        const int maker = takes_from[next++];
        if (!placed[static_cast<std::size_t>(maker)]) open.emplace_back(maker, 0);
      } else {
        placed[static_cast<std::size_t>(item)] = true;
        order.push_back(item);
        for (const int follower : idle[static_cast<std::size_t>(item)]) {
          placed[static_cast<std::size_t>(follower)] = true;
          order.push_back(follower);
        }
        open.pop_back();
      }
    }
  };
  for (const int output : side.tape.outputs)
    if (const auto maker = makers.find(origin_of(side.tape, output)); maker != makers.end()) visit(maker->second);
  for (std::size_t i = 0; i < n; ++i) visit(static_cast<int>(i));
  return order;
}

}  // namespace sonde::compare
