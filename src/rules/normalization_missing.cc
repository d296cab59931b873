// Rule normalization-missing: hidden layers without normalisation between them (Theia MNL). Advice, weak by itself.
// Formula: three hidden layers or more in a row, no normalisation anywhere; from ten on it is told by itself.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_normalization_missing(const MetaModel& model) {
  constexpr std::size_t kSome = 3;
  constexpr std::size_t kDeep = 10;
  const std::size_t hidden = hidden_layers(model).size();
  if (hidden < kSome || !is_chain(model) || uses(model, OpClass::normalization)) return {};
  return {advice_on("model", Cause::missing_normalization, hidden >= kDeep ? 0.35 : 0.2,
                    fmt::format("{} hidden layers without normalisation", hidden))};
}

}  // namespace sonde::rules
