// Rule bottleneck: a hidden layer of one unit before more than two classes. Advice: classes can only lie in a row on it.
// Formula: a dense layer that is not the last, one row of weights, in a chain that judges three classes or more.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_bottleneck(const MetaModel& model) {
  constexpr std::int64_t kClasses = 3;
  if (!judges_classes(model) || model.loss.width < kClasses || !is_chain(model)) return {};
  for (const Operation* layer : hidden_layers(model)) {
    if (!is_dense(*layer) || layer->weight_shape.empty() || layer->weight_shape[0] != 1) continue;
    return {advice_at(*layer, Cause::wrong_layer_width, 0.6,
                      fmt::format("{} has a single unit, through which {} classes are to be told apart",
                                  name_of(*layer), model.loss.width))};
  }
  return {};
}

}  // namespace sonde::rules
