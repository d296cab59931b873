// Rule constant-feature: a column of the input that never varies (TheDeepChecker). Advice.
// Formula: the same number, neither 0 nor 1, in all of 32 rows and more of the first batch, while other columns vary.
// Healthy: columns of zeros (pixels at the border, rare words) and of ones (a bias).
#include <algorithm>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_constant_feature(const MetaModel& model) {
  constexpr std::int64_t kRows = 32;
  const auto& features = model.input.features;
  const auto constant = [](const FeatureFacts& f) { return f.min == f.max && f.min != 0 && f.min != 1; };
  const auto count = std::ranges::count_if(features, constant);
  const bool others = std::ranges::any_of(features, [](const FeatureFacts& f) { return f.min != f.max; });
  if (count == 0 || !others || model.input.batch < kRows) return {};
  const auto first = std::ranges::find_if(features, constant);
  Violation violation =
      advice_on("data", Cause::input_constant, 0.35,
                fmt::format("{} of {} input columns never vary; column {} is {} in all rows of the first batch", count,
                            features.size(), first - features.begin(), number(first->min)));
  violation.causes.front().fix = "leave the column out, or check how it is read";
  return {violation};
}

}  // namespace sonde::rules
