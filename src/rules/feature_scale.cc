// Rule feature-scale: columns of the input on very different scales (TheDeepChecker, Theia IDN). Advice.
// Formula: the largest RMS of a column that varies over the smallest, above 1000. An input that is large as a whole is
// left to input-scale.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_feature_scale(const MetaModel& model) {
  constexpr double kRatio = 1000;
  constexpr double kLargeInput = 10;
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const FeatureFacts& feature : model.input.features) {
    const double rms = std::hypot(feature.mean, feature.deviation);
    if (feature.deviation == 0 || !std::isfinite(rms)) continue;
    least = std::min(least, rms);
    most = std::max(most, rms);
  }
  if (!(most > kRatio * least) || model.input.values.rms > kLargeInput) return {};
  return {advice_on("data", Cause::input_not_normalized, 0.4,
                    fmt::format("columns of the input have RMS from {} to {}", number(least), number(most)))};
}

}  // namespace sonde::rules
