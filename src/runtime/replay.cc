#include "runtime/replay.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "analysis/engine.h"
#include "analysis/timeline.h"
#include "runtime/assemble.h"
#include "runtime/snapshot.h"

namespace sonde::runtime {
namespace {

bool same(const Finding& a, const Finding& b) {
  const auto key = [](const Finding& finding) {
    const Location& where = finding.origin.where;
    return std::tie(finding.origin.kind, where.layer, where.part, where.operation, where.phase, finding.origin.step);
  };
  return key(a) == key(b);
}

// `report` takes the records up to `old` into account, which the engine has seen the last of; `all` is what the engine
// knows with the rest. What it says anew goes into the report. Advice and other habits were told when there was reason to.
void add_news(Report& report, const std::vector<Finding>& old, const std::vector<Finding>& all) {
  for (const Finding& finding : all) {
    const auto is_same = [&](const Finding& other) { return same(finding, other); };
    if (finding.severity == Severity::advice || std::ranges::any_of(old, is_same) ||
        std::ranges::any_of(report.findings, is_same))
      continue;
    report.findings.push_back(finding);
  }
  std::ranges::stable_sort(report.findings, [](const Finding& a, const Finding& b) {
    return a.severity != b.severity ? a.severity > b.severity : a.origin.step < b.origin.step;
  });
}

// The totals of a run of which the engine has seen the end only; `old` are those it had where the report ends.
void add_totals(Report& report, const analysis::RunTotals& old, const analysis::RunTotals& all) {
  report.context.steps = std::max(report.context.steps, all.steps);
  report.context.observed_steps += all.observed_steps - old.observed_steps;
  report.context.last_loss = all.last_loss;
  report.cost.step_seconds += static_cast<double>(all.step_nanoseconds - old.step_nanoseconds) * 1e-9;
  report.cost.monitor_seconds += static_cast<double>(all.monitor_nanoseconds - old.monitor_nanoseconds) * 1e-9;
}

void tell_losses(Report& report, const trace::Trace& trace, std::size_t own_rules) {
  if (trace.overwritten > 0)
    report.not_observed.push_back({"the oldest records in a replay",
                                   "the trace file holds the last ones only (Options::trace_records)",
                                   trace.overwritten});
  for (const trace::Loss& loss : trace.lost)
    report.not_observed.push_back({loss.what + " of the trace", "the file is damaged or cut off", loss.count});
  if (own_rules < trace.run.own_rules.size())
    for (const std::string& rule : trace.run.own_rules)
      report.not_observed.push_back({"what the program's own rule " + rule + " says", "a replay does not have it", 1});
}

}  // namespace

Report replay(const trace::Trace& trace, const std::vector<std::shared_ptr<const Rule>>& own_rules) {
  trace::Catalog catalog;
  restore(trace, catalog);
  analysis::Engine engine(catalog, {trace.run.rules_off, own_rules, trace.run.all_habits});
  engine.begin_at(trace.first);

  const std::optional<Report> kept =
      trace.overwritten > 0 ? decode_report(trace.snapshot.bytes) : std::optional<Report>{};
  const std::span<const trace::Record> records = trace.records;
  Report report;
  if (kept) {
    const std::uint64_t covered = trace.snapshot.position - std::min(trace.snapshot.position, trace.first);
    const auto old = records.first(std::min<std::uint64_t>(covered, records.size()));
    engine.consume(old);
    const auto findings = engine.findings();
    const auto totals = engine.totals();
    engine.consume(records.subspan(old.size()));
    report = *kept;
    report.not_observed = assemble(trace.run, catalog, {}, totals).not_observed;
    add_news(report, findings, engine.findings());
    add_totals(report, totals, engine.totals());
  } else {
    engine.consume(records);
    report = assemble(trace.run, catalog, engine.findings(), engine.totals());
  }
  analysis::TimelineBuilder timeline(catalog);
  timeline.consume(records);
  report.timeline = timeline.timeline();
  report.cost.records = trace.overwritten + records.size();
  report.cost.dropped = trace.dropped;
  tell_losses(report, trace, own_rules.size());
  return report;
}

}  // namespace sonde::runtime
