// Rule weight-scale: initial weights far too large or too small for their number (TheDeepChecker, DeepDiagnosis). Advice.
// Formula, before the first update: RMS(W) sqrt(fan-in), which multiplies the scale of the signal; He's is 1.41, LibTorch's
// default 0.58. Outside [0.02, 5]; not where normalisation follows. Healthy: 0.02 in transformers gives 0.1 and more.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_weight_scale(const MetaModel& model) {
  constexpr double kSmall = 0.02;
  constexpr double kLarge = 5;
  if (!model.first_step) return {};
  Violation worst;
  double most = 0;
  for (const Operation& layer : model.operations) {
    if (!layer.is_layer() || !layer.weight.known() || layer.weight.deviation == 0 || layer.fan_in == 0) continue;
    const double gain = layer.weight.rms * std::sqrt(static_cast<double>(layer.fan_in));
    const double off = std::max(gain / kLarge, kSmall / gain);
    if (layer.normalization != 0 || !(off > 1) || off <= most) continue;
    most = off;
    worst =
        advice_at(layer, Cause::bad_initialization, std::min(0.4 + 0.1 * std::log10(off), 0.55),
                  fmt::format("the weights of {} start at RMS {} with {}: each output is {} times the size of an input",
                              name_of(layer), number(layer.weight.rms), counted(layer.fan_in, "input"), number(gain)));
  }
  return most > 0 ? Violations{worst} : Violations{};
}

}  // namespace sonde::rules
