#include <string>
#include <string_view>
#include <vector>

#include <sonde/report.h>

#include "report/json_write.h"
#include "report/names.h"
#include "report/schema.h"

namespace sonde {
namespace {

using report::all;
using report::encode;
using report::Json;
using report::text;

Json schema() { return {{"name", report::kSchemaName}, {"version", report::kSchemaVersion}}; }

Json encode(const Location& location) {
  return {{"layer", location.layer},
          {"part", location.part},
          {"operation", location.operation},
          {"phase", to_string(location.phase)},
          {"source", encode(location.source)}};
}

Json encode(const RankedCause& cause) {
  return {{"cause", to_string(cause.cause)},
          {"confidence", cause.confidence},
          {"where", encode(cause.where)},
          {"evidence", cause.evidence},
          {"fix", cause.fix}};
}

Json encode(const Symptom& symptom) {
  return {{"kind", symptom.kind},
          {"where", encode(symptom.where)},
          {"step", symptom.step},
          {"severity", to_string(symptom.severity)},
          {"message", symptom.message}};
}

Json encode(const Finding& finding) {
  return {{"severity", to_string(finding.severity)},
          {"origin", encode(finding.origin)},
          {"context", finding.context},
          {"causes", all(finding.causes, encode)},
          {"followed_by", all(finding.followed_by, encode)},
          {"followed_by_count", finding.followed_by_count},
          {"followed_by_layers", finding.followed_by_layers},
          {"last_step", finding.last_step},
          {"kept", finding.kept}};
}

Json encode(const MetricSummary& metric) {
  return {{"name", metric.name},
          {"better", report::to_string(metric.better)},
          {"split", report::to_string(metric.split)},
          {"count", metric.count},
          {"first", metric.first},
          {"best", metric.best},
          {"best_step", metric.best_step},
          {"last", metric.last}};
}

Json encode(const RunContext& context) {
  return {{"monitor", context.monitor},
          {"sonde_version", context.sonde_version},
          {"torch_version", context.torch_version},
          {"device", context.device},
          {"optimizer", context.optimizer},
          {"loss", context.loss},
          {"task", context.task},
          {"task_reason", context.task_reason},
          {"layers", context.layers},
          {"parameters", context.parameters},
          {"steps", context.steps},
          {"observed_steps", context.observed_steps},
          {"first_loss", context.first_loss},
          {"last_loss", context.last_loss},
          {"metrics", all(context.metrics, encode)}};
}

Json encode(const NotObserved& unseen) {
  return {{"what", unseen.what}, {"reason", unseen.reason}, {"count", unseen.count}};
}

Json encode(const Cost& cost) {
  return {{"step_seconds", cost.step_seconds},
          {"monitor_seconds", cost.monitor_seconds},
          {"share", cost.share()},
          {"records", cost.records},
          {"dropped", cost.dropped}};
}

}  // namespace

std::string Report::to_json() const {
  const Json document{{"schema", schema()},
                      {"context", encode(context)},
                      {"findings", all(findings, encode)},
                      {"not_observed", all(not_observed, encode)},
                      {"cost", encode(cost)}};
  return text(document, 2);
}

std::string Report::to_json_lines() const {
  std::string lines = text({{"schema", schema()}, {"type", "context"}, {"context", encode(context)}}, -1) + '\n';
  for (const Finding& finding : findings) {
    lines += text({{"type", "finding"}, {"finding", encode(finding)}}, -1) + '\n';
  }
  return lines + text({{"type", "rest"}, {"not_observed", all(not_observed, encode)}, {"cost", encode(cost)}}, -1) +
         '\n';
}

}  // namespace sonde
