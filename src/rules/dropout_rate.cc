// Rule dropout-rate: dropout that drops more than it keeps (UMLAUT). Advice.
// Formula: p in (0.5, 1].
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dropout_rate(const MetaModel& model) {
  constexpr double kMost = 0.5;
  constexpr std::size_t kTold = 3;
  Violations found;
  for (const Operation& dropout : model.operations) {
    if (dropout.op_class != OpClass::dropout || dropout.arguments.empty() || found.size() >= kTold) continue;
    const double rate = dropout.arguments.front();
    if (!(rate > kMost) || rate > 1) continue;
    found.push_back(advice_at(dropout, Cause::dropout_rate, 0.5,
                              fmt::format("{} drops {} of its input", name_of(dropout), percent(rate))));
  }
  return found;
}

}  // namespace sonde::rules
