#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "report/json_field.h"
#include "report/names.h"
#include "report/schema.h"

namespace sonde {
namespace {

using report::Field;

nlohmann::json parse(std::string_view text) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte > 0 ? error.byte - 1 : 0);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto column = before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
    throw ReportError(fmt::format("no JSON: line {}, column {} cannot be read", line, column));
  } catch (const nlohmann::json::out_of_range&) {
    throw ReportError("no JSON that can be read: it has a number beyond the range of double");
  }
}

// `decode(field)` for each element, into `list`.
template <typename List, typename Decode>
void fill(List& list, const Field& field, const Decode& decode) {
  field.each([&](const Field& element) { list.push_back(decode(element)); });
}

std::string text(const Field& field) { return field.text(); }

SourceLine source(const Field& field) {
  if (field.is_null()) return {};
  SourceLine line;
  line.file = field["file"].text();
  line.function = field["function"].text();
  line.line = static_cast<std::uint32_t>(field["line"].count(std::numeric_limits<std::uint32_t>::max()));
  return line;
}

Severity severity(const Field& field) { return field.name_of("error, warning or advice", report::severity_named); }

Location location(const Field& field) {
  Location where;
  where.layer = field["layer"].text();
  where.part = field["part"].text();
  where.operation = field["operation"].text();
  where.phase = field["phase"].name_of("the name of a phase", report::phase_named);
  where.source = source(field["source"]);
  return where;
}

RankedCause cause(const Field& field) {
  RankedCause cause;
  cause.cause = field["cause"].name_of("the name of a cause", report::cause_named);
  cause.confidence = field["confidence"].number();
  cause.where = location(field["where"]);
  fill(cause.evidence, field["evidence"], text);
  cause.fix = field["fix"].text();
  return cause;
}

Symptom symptom(const Field& field) {
  Symptom symptom;
  symptom.kind = field["kind"].text();
  symptom.where = location(field["where"]);
  symptom.step = field["step"].count();
  symptom.severity = severity(field["severity"]);
  symptom.message = field["message"].text();
  return symptom;
}

Finding finding(const Field& field) {
  Finding finding;
  finding.severity = severity(field["severity"]);
  finding.origin = symptom(field["origin"]);
  fill(finding.context, field["context"], text);
  fill(finding.causes, field["causes"], cause);
  if (finding.causes.empty()) field["causes"].fail("at least one cause");
  fill(finding.followed_by, field["followed_by"], symptom);
  finding.followed_by_count = field["followed_by_count"].count();
  finding.followed_by_layers = field["followed_by_layers"].count();
  finding.last_step = field["last_step"].count();
  finding.kept = field["kept"].text();
  return finding;
}

MetricSummary metric(const Field& field) {
  MetricSummary metric;
  metric.name = field["name"].text();
  metric.better = field["better"].name_of("lower, higher or nothing", report::better_named);
  metric.split = field["split"].name_of("training, validation or nothing", report::split_named);
  metric.count = field["count"].count();
  metric.first = field["first"].number();
  metric.best = field["best"].number();
  metric.best_step = field["best_step"].count();
  metric.last = field["last"].number();
  return metric;
}

RunContext context(const Field& field) {
  RunContext context;
  context.monitor = field["monitor"].text();
  context.sonde_version = field["sonde_version"].text();
  context.torch_version = field["torch_version"].text();
  context.device = field["device"].text();
  context.optimizer = field["optimizer"].text();
  context.loss = field["loss"].text();
  context.task = field["task"].text();
  context.task_reason = field["task_reason"].text();
  context.layers = field["layers"].count();
  context.parameters = field["parameters"].count();
  context.steps = field["steps"].count();
  context.observed_steps = field["observed_steps"].count();
  context.first_loss = field["first_loss"].number();
  context.last_loss = field["last_loss"].number();
  fill(context.metrics, field["metrics"], metric);
  return context;
}

NotObserved not_observed(const Field& field) {
  return {field["what"].text(), field["reason"].text(), field["count"].count()};
}

Cost cost(const Field& field) {  // the share follows from the others
  Cost cost;
  cost.step_seconds = field["step_seconds"].number();
  cost.monitor_seconds = field["monitor_seconds"].number();
  cost.records = field["records"].count();
  cost.dropped = field["dropped"].count();
  return cost;
}

void check_schema(const Field& schema) {
  if (schema["name"].text() != report::kSchemaName) schema["name"].fail(fmt::format("\"{}\"", report::kSchemaName));
  const std::uint64_t version = schema["version"].count();
  if (version != report::kSchemaVersion) {
    throw ReportError(fmt::format("schema.version: a report of version {}, this Sonde reads version {}", version,
                                  report::kSchemaVersion));
  }
}

}  // namespace

Report report_from_json(std::string_view json) {
  const nlohmann::json parsed = parse(json);
  const Field document(parsed);
  check_schema(document["schema"]);
  Report report;
  report.context = context(document["context"]);
  fill(report.findings, document["findings"], finding);
  fill(report.not_observed, document["not_observed"], not_observed);
  report.cost = cost(document["cost"]);
  return report;
}

}  // namespace sonde
