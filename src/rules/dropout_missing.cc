// Rule dropout-missing: a classifier without dropout or batch normalisation (Theia MRD). Advice.
// Formula: a hidden dense layer, neither of the two; told by itself only where the data set is seen and the model has a
// hundred parameters a row and more, else a weak habit. Healthy: enough data, weight decay.
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dropout_missing(const MetaModel& model) {
  const auto hidden = hidden_layers(model);
  const bool regularised = uses(model, OpClass::dropout) || uses(model, OpClass::normalization) ||
                           std::ranges::any_of(model.groups, [](const auto& group) { return group.weight_decay > 0; });
  if (!judges_classes(model) || !is_chain(model) || regularised ||
      std::ranges::none_of(hidden, [](const Operation* layer) { return is_dense(*layer); }))
    return {};
  constexpr double kParametersPerRow = 100;
  const std::int64_t rows = model.input.data_rows;
  const bool few = rows > model.input.batch &&
                   static_cast<double>(model.parameters) >= kParametersPerRow * static_cast<double>(rows);
  const std::string told = few ? fmt::format(", and the model has {} parameters for {}",
                                             number(static_cast<double>(model.parameters)), counted(rows, "row"))
                               : std::string();
  return {advice_on("model", Cause::missing_dropout, few ? 0.35 : 0.15, "no dropout in the network" + told)};
}

}  // namespace sonde::rules
