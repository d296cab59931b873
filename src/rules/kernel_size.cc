// Rule kernel-size: a window larger than the map it slides over (NeuraLint 13). Advice.
// Formula: every side of the kernel longer than the same side of the map: what it sees is padding for the most part.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_kernel_size(const MetaModel& model) {
  for (const Operation& layer : model.operations) {
    const auto& kernel = layer.weight_shape;
    const auto& map = layer.from_shape;
    if (!is_convolution(layer) || is_transposed(layer) || kernel.size() < 3 || kernel.size() != map.size()) continue;
    bool larger = true;
    for (std::size_t i = 2; i < kernel.size(); ++i) larger = larger && kernel[i] > map[i] && map[i] > 0;
    if (!larger) continue;
    return {
        advice_at(layer, Cause::wrong_kernel_size, 0.4,
                  fmt::format("the kernel of {} has {} pixels a side, its map {}", name_of(layer), kernel[2], map[2]))};
  }
  return {};
}

}  // namespace sonde::rules
