// Rule filter-count: too few or too many filters, or fewer in deeper layers (Theia INF, NeuraLint 23). Advice.
// Formula, for classifiers without branches: colour images outside [16, 512], others outside [6, 256]; a convolution with
// fewer filters than the one before. Not for kernels of one pixel, grouped or transposed convolutions.
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_filter_count(const MetaModel& model) {
  if (!judges_classes(model) || !is_chain(model)) return {};
  Violations found;
  const Operation* before = nullptr;
  bool colour = false;
  for (const Operation& layer : model.operations) {
    if (!is_convolution(layer) || layer.weight_shape.size() != 4 || is_transposed(layer)) continue;
    const auto& shape = layer.weight_shape;
    if (before == nullptr) colour = shape[1] == 3;
    const bool grouped = shape[1] == 1 && layer.from_shape.size() == 4 && layer.from_shape[1] > 1;
    if (shape[2] * shape[3] == 1 || grouped) continue;
    const std::int64_t low = colour ? 16 : 6;
    const std::int64_t high = colour ? 512 : 256;
    const std::string filters = counted(shape[0], "filter");
    if (shape[0] < low || shape[0] > high) {
      found.push_back(advice_at(layer, Cause::wrong_filter_count, 0.3,
                                fmt::format("{} has {}; {} to {} are usual", name_of(layer), filters, low, high)));
    } else if (before != nullptr && shape[0] < before->weight_shape[0]) {
      found.push_back(advice_at(layer, Cause::wrong_filter_count, 0.3,
                                fmt::format("{} has {}, {} before it {}: deeper layers usually have more",
                                            name_of(layer), filters, name_of(*before), before->weight_shape[0])));
    }
    before = &layer;
  }
  return found;
}

}  // namespace sonde::rules
