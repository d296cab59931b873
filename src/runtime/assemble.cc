#include "runtime/assemble.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sonde/rules.h>
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

// What the guard did, in the findings that made it.
void tell_what_was_kept(std::vector<Finding>& findings, OnFault on_fault, const analysis::RunTotals& totals) {
  if (on_fault == OnFault::report || totals.skipped == 0) return;
  const std::uint64_t first = totals.first_skipped;
  const std::string kept = fmt::format(
      "{} (on_fault = {})",
      totals.skipped == 1 ? fmt::format("the update of step {} was not applied", first)
                          : fmt::format("{} updates were not applied, the first on step {}", totals.skipped, first),
      on_fault == OnFault::abort ? "abort" : "skip");
  for (Finding& finding : findings)
    if (finding.severity == Severity::error && finding.origin.step <= first && first <= finding.last_step)
      finding.kept = kept;
}

}  // namespace

trace::RunFacts run_facts(const Options& options) {
  trace::RunFacts run{options.name, std::string(kVersion), options.on_fault, options.all_habits, options.rules_off, {}};
  for (const auto& rule : options.own_rules)
    if (rule != nullptr) run.own_rules.emplace_back(rule->name());
  return run;
}

Report assemble(const trace::RunFacts& run, const trace::Catalog& catalog, std::vector<Finding> findings,
                const analysis::RunTotals& totals) {
  tell_what_was_kept(findings, run.on_fault, totals);
  const trace::Program program = catalog.program();
  Report report;
  report.context.monitor = run.name;
  report.context.sonde_version = run.sonde_version.empty() ? std::string(kVersion) : run.sonde_version;
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
  report.context.metrics = totals.metrics;
  report.findings = std::move(findings);
  for (auto& unseen : catalog.unseen()) report.not_observed.push_back({unseen.what, unseen.reason, unseen.count});
  report.cost.step_seconds = static_cast<double>(totals.step_nanoseconds) * 1e-9;
  report.cost.monitor_seconds = static_cast<double>(totals.monitor_nanoseconds) * 1e-9;
  return report;
}

}  // namespace sonde::runtime
