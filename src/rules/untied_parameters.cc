// Rule untied-parameters: an embedding and a head that start equal but do not share memory. Advice.
// Formula, before the first update: weights of one shape with the very same statistics. They were meant to be tied, and
// will drift apart: set_data() copies the handle once, register_parameter() or the same tensor in both shares it.
#include <algorithm>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {
namespace {

bool tied(const MetaModel& model, const Operation& a, const Operation& b) {
  return std::ranges::any_of(model.tied, [&](const auto& paths) {
    return std::ranges::find(paths, a.layer + ".weight") != paths.end() &&
           std::ranges::find(paths, b.layer + ".weight") != paths.end();
  });
}

}  // namespace

Violations check_untied_parameters(const MetaModel& model) {
  if (!model.first_step) return {};
  for (const Operation& table : model.operations) {
    if (table.op_class != OpClass::embedding || !table.weight.known() || table.weight.deviation == 0) continue;
    for (const Operation& head : model.operations) {
      if (!is_dense(head) || head.weight_shape != table.weight_shape || tied(model, table, head)) continue;
      const bool equal = head.weight.known() && head.weight.mean == table.weight.mean &&
                         head.weight.rms == table.weight.rms && head.weight.min == table.weight.min &&
                         head.weight.max == table.weight.max;
      if (!equal) continue;
      Violation violation = advice_at(
          head, Cause::unknown, 0.4,
          fmt::format("the weights of {} and {} start equal, but are two tensors", name_of(table), name_of(head)));
      violation.causes.front().fix = "register one tensor in both layers, if they are meant to be tied";
      return {violation};
    }
  }
  return {};
}

}  // namespace sonde::rules
