// Rule no-activation: two linear layers or convolutions in a row (Theia CNL, NeuraLint 9, UMLAUT). Advice.
// Formula: a layer whose only consumer, looking past views and dropout, is another layer. Healthy: factorised layers on
// purpose, attention projections and residuals, whose outputs are used more than once.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_missing_activation(const MetaModel& model) {
  constexpr std::size_t kMost = 3;
  Violations found;
  for (const Operation& layer : model.operations) {
    const Operation* other = model.find(layer.before);
    if (found.size() >= kMost || other == nullptr || !layer.is_layer() || !other->is_layer()) continue;
    if (other->consumers.size() != 1 || other->layer == layer.layer) continue;
    found.push_back(advice_at(*other, Cause::missing_activation, 0.6,
                              fmt::format("no activation stands between {} and {}: together they are one linear layer",
                                          name_of(*other), name_of(layer))));
  }
  return found;
}

}  // namespace sonde::rules
