// Rule normalization-batch: batch normalisation over very few values (LibTorch refuses one). Advice.
// Formula: in training mode, 2 to 4 values a channel: the statistics are noise.
#include <algorithm>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_normalization_batch(const MetaModel& model) {
  constexpr std::int64_t kFew = 4;
  for (const Operation& norm : model.operations) {
    if (base_name(norm) != "batch_norm" || norm.shape.size() < 2 || norm.arguments.empty()) continue;
    std::int64_t values = norm.shape[0];
    for (std::size_t i = 2; i < norm.shape.size(); ++i) values *= norm.shape[i];
    if (norm.arguments.front() != 1 || values > kFew || values < 1) continue;
    Violation violation =
        advice_on("loop", Cause::batch_size, 0.45,
                  fmt::format("{} takes mean and variance of {} a channel", name_of(norm), counted(values, "value")));
    violation.causes.front().fix = "a larger batch, or layer or group normalisation";
    return {violation};
  }
  return {};
}

}  // namespace sonde::rules
