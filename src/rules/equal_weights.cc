// Rule equal-weights: a hidden layer whose weights start all alike (NeuraLint 4, TheDeepChecker, UMLAUT). Advice; that its
// units never come apart is seen later (identical-units).
// Formula, before the first update: every weight the same number, or every unit the same largest one. Zero only where
// nothing goes around the layer. Healthy: a zero output layer, zero at the end of a residual branch.
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_equal_weights(const MetaModel& model) {
  constexpr std::size_t kMost = 3;
  if (!model.first_step) return {};
  Violations found;
  const bool chain = is_chain(model);
  for (const Operation* layer : hidden_layers(model)) {
    const TensorFacts& weight = layer->weight;
    if (!weight.known() || weight.count < 2 || layer->weight_shape.empty() || layer->weight_shape[0] < 3) continue;
    const bool constant = weight.min == weight.max;
    if (!constant && layer->unit_spread != 0) continue;
    if (weight.rms == 0 && !chain) continue;
    const std::string what = constant
                                 ? fmt::format("every weight of {} starts at {}", name_of(*layer), number(weight.min))
                                 : fmt::format("all units of {} start with the same weights", name_of(*layer));
    if (found.size() < kMost) found.push_back(advice_at(*layer, Cause::bad_initialization, 0.6, what));
  }
  return found;
}

}  // namespace sonde::rules
