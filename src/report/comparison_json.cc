#include <string>

#include <sonde/comparison.h>

#include "report/json_write.h"
#include "report/schema.h"

namespace sonde::compare {
namespace {

using report::all;
using report::Json;

Json encode(const std::string& text) { return text; }

Json encode(const Place& place) {
  return {{"layer", place.layer},
          {"operation", place.operation},
          {"index", place.index < 0 ? Json(nullptr) : Json(place.index)},
          {"name", place.name},
          {"source", report::encode(place.source)}};
}

Json encode(const Repair& repair) {
  return {{"what", repair.what},
          {"tried", repair.tried},
          {"accepted", repair.accepted},
          {"error_after", repair.error_after}};
}

Json encode(const Fault& fault) {
  return {{"stage", to_string(fault.stage)},
          {"cause", to_string(fault.cause)},
          {"target", encode(fault.target)},
          {"reference", encode(fault.reference)},
          {"message", fault.message},
          {"evidence", all<std::string>(fault.evidence, encode)},
          {"error", fault.error},
          {"floor", fault.floor},
          {"visible", fault.visible},
          {"repair", encode(fault.repair)}};
}

Json encode(const StageOutcome& stage) {
  return {{"stage", to_string(stage.stage)}, {"done", stage.done}, {"summary", stage.summary}};
}

Json encode(const Agreement& agreement) {
  return {{"error", agreement.error},
          {"floor", agreement.floor},
          {"samples", agreement.samples},
          {"top1_changed", agreement.top1_changed},
          {"top5_changed", agreement.top5_changed}};
}

Json encode(const NotCompared& unseen) { return {{"what", unseen.what}, {"reason", unseen.reason}}; }

}  // namespace

std::string Result::to_json() const {
  const Json document{
      {"schema", {{"name", report::kComparisonSchemaName}, {"version", report::kComparisonSchemaVersion}}},
      {"reference", reference},
      {"target", target},
      {"equal", equal()},
      {"stages", all<StageOutcome>(stages, encode)},
      {"faults", all<Fault>(faults, encode)},
      {"first_divergence", first_divergence < 0 ? Json(nullptr) : Json(first_divergence)},
      {"before", encode(before)},
      {"after", encode(after)},
      {"not_compared", all<NotCompared>(not_compared, encode)}};
  return report::text(document, 2);
}

}  // namespace sonde::compare
