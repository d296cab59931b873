#include "runtime/session.h"

#include <exception>
#include <set>
#include <string>
#include <utility>

#include "runtime/assemble.h"

namespace sonde::runtime {

Session::Session(const Options& options, Extras extras)
    : name_(options.name),
      extras_(std::move(extras)),
      troubles_(options.on_trouble),
      sink_(catalog_, {options.rules_off, options.own_rules, options.all_habits}),
      worker_(sink_, troubles_, options.ring_capacity, options.background) {}

void Session::EngineSink::consume(std::span<const trace::Record> records) {
  if (keep_) kept_.insert(kept_.end(), records.begin(), records.end());
  engine_.consume(records);
}

void Session::poll() {
  (void)worker_.drained();
  troubles_.tell();
}

Report Session::report() {
  std::vector<Finding> findings;
  analysis::RunTotals totals;
  const auto look = [&] {
    const auto lock = worker_.drained();
    try {
      totals = sink_.engine().totals();
      findings = sink_.engine().findings();
    } catch (const std::exception& error) {
      troubles_.note("the analysis failed", std::string(error.what()) + " (while making a report)");
    }
  };
  look();
  // Lines are slow to find, so only those are looked for that the findings name.
  if (resolve_sources(findings)) look();
  troubles_.tell();
  Report report = assemble(name_, catalog_, std::move(findings), totals);
  report.cost.records = worker_.pushed();
  report.cost.dropped = worker_.dropped();
  if (const auto failures = troubles_.count("the analysis failed"); failures > 0) {
    report.not_observed.push_back({"what the analysis of some records would have found", "it failed", failures});
  }
  return report;
}

void Session::keep_records() {
  const auto lock = worker_.drained();
  sink_.keep();
}

std::vector<trace::Record> Session::records() {
  std::vector<trace::Record> records;
  {
    const auto lock = worker_.drained();
    records = sink_.kept();
  }
  troubles_.tell();
  return records;
}

trace::Trace Session::trace() {
  (void)report();  // so that the catalog has the lines of what was found
  return trace::make_trace(catalog_, records());
}

bool Session::resolve_sources(const std::vector<Finding>& findings) {
  if (!extras_.resolve) return false;
  std::set<std::pair<std::string, std::string>> wanted;  // layer and operation
  const auto want = [&](const Location& where) { wanted.emplace(where.layer, where.operation); };
  for (const auto& finding : findings) {
    want(finding.origin.where);
    for (const auto& cause : finding.causes) want(cause.where);
    for (const auto& symptom : finding.followed_by) want(symptom.where);
  }
  bool found = false;
  for (const trace::Site& site : catalog_.sites()) {
    if (site.frames.empty() || site.source.known() || !site.source.function.empty()) continue;
    if (!wanted.contains({site.layer, site.operation}) && !wanted.contains({"", site.operation})) continue;
    catalog_.set_source(site.id, extras_.resolve(site.frames));
    found = true;
  }
  return found;
}

}  // namespace sonde::runtime
