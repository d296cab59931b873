// Rule few-convolutions: fewer than images of the kind usually need (Theia ICL). Advice.
// Formula: classifiers with fewer than 3 convolutions for colour images, 2 for grey ones.
#include <set>
#include <string>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_few_convolutions(const MetaModel& model) {
  std::set<std::string> layers;
  std::int64_t channels = 0;
  for (const Operation& operation : model.operations) {
    if (!is_convolution(operation) || operation.weight_shape.size() != 4) continue;
    if (layers.empty()) channels = operation.weight_shape[1];
    layers.insert(operation.layer);
  }
  const std::size_t usual = channels >= 3 ? 3 : 2;
  if (layers.empty() || layers.size() >= usual || !judges_classes(model)) return {};
  Violation violation = advice_on("model", Cause::too_few_conv_layers, 0.4,
                                  fmt::format("{} for images of {}; {} or more are usual",
                                              counted(static_cast<std::int64_t>(layers.size()), "convolution"),
                                              counted(channels, "channel"), usual));
  violation.causes.push_back({Cause::too_shallow, 0.3, 0, "model", {}});
  return {violation};
}

}  // namespace sonde::rules
