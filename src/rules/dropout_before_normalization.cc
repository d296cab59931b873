// Rule dropout-before-normalization: dropout directly before batch normalisation (NeuraLint 6). Advice.
// The variance that training sees and the one that evaluation sees differ (Li et al. 2019, arXiv 1801.05134).
// Healthy: dropout after all normalisation, or with a layer between.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_dropout_before_normalization(const MetaModel& model) {
  for (const Operation& norm : model.operations) {
    if (base_name(norm) != "batch_norm" || norm.inputs.empty()) continue;
    const Operation* before = model.find(norm.inputs.front());
    if (before == nullptr || before->op_class != OpClass::dropout) continue;
    Violation violation =
        advice_at(*before, Cause::redundant_dropout, 0.4,
                  fmt::format("{} stands before the batch normalisation {}: in evaluation the variance is another one",
                              name_of(*before), name_of(norm)));
    violation.causes.front().fix = "put the dropout after the normalisation";
    return {violation};
  }
  return {};
}

}  // namespace sonde::rules
