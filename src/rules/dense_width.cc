// Rule dense-width: a hidden dense layer that widens (Theia INN, NeuraLint 19). Advice, and a weak one.
// Formula, for classifiers without branches: in a network of convolutions a hidden dense layer wider than the one before;
// else a hidden layer with more than four times its inputs, where these are 32 or more.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dense_width(const MetaModel& model) {
  if (!judges_classes(model) || !is_chain(model)) return {};
  const bool images = convolutions(model) > 0;
  const Operation* before = nullptr;
  for (const Operation* layer : hidden_layers(model)) {
    if (!is_dense(*layer) || layer->weight_shape.size() != 2) continue;
    const std::int64_t width = layer->weight_shape[0];
    const std::int64_t inputs = layer->weight_shape[1];
    const bool widens =
        images ? before != nullptr && width > before->weight_shape[0] : inputs >= 32 && width > 4 * inputs;
    if (widens) {
      return {advice_at(
          *layer, Cause::wrong_layer_width, 0.2,
          fmt::format("{} has {} for {}", name_of(*layer), counted(width, "unit"), counted(inputs, "input")))};
    }
    before = layer;
  }
  return {};
}

}  // namespace sonde::rules
