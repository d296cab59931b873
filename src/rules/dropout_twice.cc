// Rule dropout-twice: dropout on what was dropped already (Theia MRD). Advice.
// Formula: the operand of a dropout is a dropout; what is kept is the product of the two.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dropout_twice(const MetaModel& model) {
  for (const Operation& dropout : model.operations) {
    if (dropout.op_class != OpClass::dropout || dropout.inputs.empty()) continue;
    const Operation* before = model.find(dropout.inputs.front());
    if (before == nullptr || before->op_class != OpClass::dropout) continue;
    return {advice_at(dropout, Cause::redundant_dropout, 0.5,
                      fmt::format("{} follows {}", name_of(dropout), name_of(*before)))};
  }
  return {};
}

}  // namespace sonde::rules
