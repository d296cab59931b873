// Rule task: the program looks like another one than Options::task says. A warning: one of the two is a mistake.
// Formula: the inferred task excludes the told one (classes against numbers, one label a sample against several).
#include <fmt/format.h>

#include "rules/checks.h"
#include "rules/task.h"

namespace sonde::rules {

Violations check_task(const MetaModel& model) {
  if (tasks_agree(model, model.told_task)) return {};
  Violation violation = advice_on("loss", Cause::wrong_loss, 0.8,
                                  fmt::format("the task was told to be {}, but it looks like {}: {}", model.told_task,
                                              model.task, model.task_reason));
  violation.severity = Severity::warning;
  violation.causes.push_back({Cause::loss_output_mismatch, 0.6, 0, "loss", {}});
  return {violation};
}

}  // namespace sonde::rules
