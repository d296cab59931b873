#include "runtime/assemble.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sonde/version.h>

namespace sonde::runtime {
namespace {

std::string optimizer(const trace::Program& program) {
  if (program.optimizer.empty()) return {};
  std::string text = fmt::format("{} lr {:g}", program.optimizer, program.learning_rate);
  if (program.momentum != 0) text += fmt::format(" momentum {:g}", program.momentum);
  if (program.weight_decay != 0) text += fmt::format(" weight decay {:g}", program.weight_decay);
  return text;
}

std::string loss(const trace::Program& program) {
  std::string_view name = program.loss_operation;
  if (name.empty()) return {};
  if (name.starts_with("aten::")) name.remove_prefix(6);
  constexpr std::string_view reductions[] = {", not reduced", ", mean", ", sum"};
  const bool known = program.loss_reduction >= 0 && program.loss_reduction < 3;
  return std::string(name) + std::string(known ? reductions[program.loss_reduction] : "");
}

}  // namespace

Report assemble(std::string name, const trace::Catalog& catalog, std::vector<Finding> findings,
                const analysis::RunTotals& totals) {
  const trace::Program program = catalog.program();
  Report report;
  report.context.monitor = std::move(name);
  report.context.sonde_version = kVersion;
  report.context.torch_version = program.torch_version;
  report.context.device = program.device;
  report.context.optimizer = optimizer(program);
  report.context.loss = loss(program);
  report.context.task = totals.task;
  report.context.task_reason = totals.task_reason;
  report.context.layers = program.layers;
  report.context.parameters = program.parameters;
  report.context.steps = totals.steps;
  report.context.observed_steps = totals.observed_steps;
  report.context.first_loss = totals.first_loss;
  report.context.last_loss = totals.last_loss;
  report.findings = std::move(findings);
  for (auto& unseen : catalog.unseen()) report.not_observed.push_back({unseen.what, unseen.reason, unseen.count});
  report.cost.step_seconds = static_cast<double>(totals.step_nanoseconds) * 1e-9;
  report.cost.monitor_seconds = static_cast<double>(totals.monitor_nanoseconds) * 1e-9;
  return report;
}

}  // namespace sonde::runtime
