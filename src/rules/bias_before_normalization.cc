// Rule bias-before-normalization: a bias that batch normalisation takes away again (NeuraLint 5). Advice, the weakest.
// Formula: a layer with a bias whose only consumer is batch or instance normalisation.
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_bias_before_normalization(const MetaModel& model) {
  const Operation* first = nullptr;
  std::int64_t count = 0;
  for (const Operation& layer : model.operations) {
    if (!layer.is_layer() || !layer.bias || layer.consumers.size() != 1) continue;
    const Operation* next = model.find(layer.consumers.front());
    if (next == nullptr || (base_name(*next) != "batch_norm" && base_name(*next) != "instance_norm")) continue;
    if (count++ == 0) first = &layer;
  }
  if (first == nullptr) return {};
  const std::string seen =
      count == 1
          ? fmt::format("the bias of {} stands in front of normalisation, which subtracts it again", name_of(*first))
          : fmt::format("{} biases stand in front of normalisation, which subtracts them again; {} has the first",
                        count, name_of(*first));
  return {advice_at(*first, Cause::redundant_bias, 0.1, seen)};
}

}  // namespace sonde::rules
