#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "analysis/diagnosis.h"
#include "report/cause_text.h"
#include "report/place.h"
#include "report/sarif_place.h"
#include "report/text.h"

namespace sonde {
namespace {

using Json = nlohmann::ordered_json;
using report::SarifPlaces;

constexpr std::size_t kCauses = 3;   // told in the message, as in the text report; the others are related locations
constexpr std::size_t kReasons = 4;  // lines of context and evidence
constexpr const char* kSchema = "https://json.schemastore.org/sarif-2.1.0.json";

const char* level(Severity severity) {
  return severity == Severity::error ? "error" : severity == Severity::warning ? "warning" : "note";
}

// Plain text of a message: SARIF takes single braces for placeholders of arguments.
Json message(std::string_view text) {
  std::string escaped;
  for (const char c : report::clean(text)) escaped.append(c == '{' || c == '}' ? 2 : 1, c);
  return {{"text", escaped}};
}

Cause best_cause(const Finding& finding) {
  return finding.causes.empty() ? Cause::unknown : finding.causes.front().cause;
}

// The cause; the kind of the symptom where no cause is known.
std::string rule_id(const Finding& finding) {
  const Cause cause = best_cause(finding);
  return cause == Cause::unknown ? report::clean(finding.origin.kind) : std::string(to_string(cause));
}

Json rule(const std::string& id, Cause cause) {
  const report::CauseText& text = report::text_of(cause);
  const std::string summary =
      cause == Cause::unknown ? fmt::format("{} ({})", text.summary, id) : std::string(text.summary);
  const std::string fix(analysis::usual_fix(cause));
  const char* severity = text.usual == Severity::advice ? "recommendation" : level(text.usual);
  const std::string advice = fmt::format("{}. What usually helps: {}.", summary, fix);
  return {{"id", id},
          {"shortDescription", message(fmt::format("{}.", summary))},
          {"fullDescription", message(advice)},
          {"help", {{"text", advice}, {"markdown", fmt::format("{}.\n\n**What usually helps**: {}.", summary, fix)}}},
          {"defaultConfiguration", {{"level", level(text.usual)}}},
          {"properties", {{"tags", {"training", text.group}}, {"problem.severity", severity}}}};
}

// What the text report says of the finding, in one paragraph; the first sentence stands alone where space is short.
std::string paragraph(const Finding& finding) {
  const Symptom& origin = finding.origin;
  const auto causes = std::span(finding.causes).first(std::min(kCauses, finding.causes.size()));
  std::string why;
  std::size_t lines = 0;
  const auto tell = [&](const std::string& line) {
    if (lines >= kReasons || line == origin.message || why.find(line) != std::string::npos) return;
    why += fmt::format("{}{}", lines++ == 0 ? " Why: " : "; ", line);
  };
  for (const std::string& line : finding.context) tell(line);
  if (!causes.empty()) std::ranges::for_each(causes.front().evidence, tell);
  std::string ranked;
  std::string fixes;
  for (const RankedCause& cause : causes) {
    if (cause.cause != Cause::unknown) {
      ranked +=
          fmt::format("{}{} {:.2f}", ranked.empty() ? " Causes: " : ", ", to_string(cause.cause), cause.confidence);
    }
    if (!cause.fix.empty()) fixes += fmt::format("{}{}", fixes.empty() ? " Fix: " : "; or ", cause.fix);
  }
  std::string text = fmt::format("{}, step {}: {}.", report::describe(origin.where), origin.step, origin.message);
  for (const std::string& part : {why, ranked, fixes}) text += part.empty() ? part : part + ".";
  if (!finding.kept.empty()) text += fmt::format(" Kept: {}.", finding.kept);
  return text;
}

Json related(const Finding& finding, const SarifPlaces& places) {
  Json list = Json::array();
  for (std::size_t i = 1; i < finding.causes.size(); ++i) {
    const RankedCause& cause = finding.causes[i];
    Json location = places.location(cause.where);
    location["id"] = i;
    location["message"] =
        message(fmt::format("{} {:.2f}: {}", to_string(cause.cause), cause.confidence, report::describe(cause.where)));
    list.push_back(std::move(location));
  }
  return list;
}

Json result(const Finding& finding, std::size_t rule_index, const SarifPlaces& places) {
  const double confidence = finding.causes.empty() ? 0 : finding.causes.front().confidence;
  return {{"ruleId", rule_id(finding)},
          {"ruleIndex", rule_index},
          {"level", level(finding.severity)},
          {"message", message(paragraph(finding))},
          {"locations", {places.location_of(finding)}},
          {"relatedLocations", related(finding, places)},
          {"partialFingerprints", {{"sonde/v1", report::fingerprint(rule_id(finding), finding.origin.where)}}},
          {"properties",
           {{"symptom", finding.origin.kind},
            {"step", finding.origin.step},
            {"lastStep", finding.last_step},
            {"confidence", confidence},
            {"followedBy", finding.followed_by_count}}}};
}

Json invocation(const Report& report, const SarifPlaces& places) {
  Json notes = Json::array();
  const auto note = [&](const std::string& text) { notes.push_back({{"message", message(text)}, {"level", "note"}}); };
  for (const NotObserved& unseen : report.not_observed) {
    note(fmt::format("Not observed: {} ({}), {}.", unseen.what, unseen.reason, report::counted(unseen.count, "time")));
  }
  if (report.cost.dropped > 0) note(report::counted(report.cost.dropped, "record") + " dropped.");
  Json invocation{{"executionSuccessful", true}, {"toolExecutionNotifications", std::move(notes)}};
  if (places.has_root()) invocation["workingDirectory"] = places.root();
  return invocation;
}

}  // namespace

std::string Report::to_sarif(std::string_view source_root) const {
  const SarifPlaces places(*this, source_root);
  Json rules = Json::array();
  Json results = Json::array();
  std::map<std::string, std::size_t> rule_indices;
  for (const Finding& finding : findings) {
    const std::string id = rule_id(finding);
    const auto [place, is_new] = rule_indices.emplace(id, rules.size());
    if (is_new) rules.push_back(rule(id, best_cause(finding)));
    results.push_back(result(finding, place->second, places));
  }
  const Json driver{{"name", "Sonde"},
                    {"fullName", "Sonde, a training monitor for LibTorch programs"},
                    {"version", context.sonde_version},
                    {"rules", std::move(rules)}};
  Json run{{"tool", {{"driver", driver}}},
           {"automationDetails", {{"id", fmt::format("sonde/{}/", report::clean(context.monitor))}}},
           {"invocations", {invocation(*this, places)}}};
  if (places.has_root()) run["originalUriBaseIds"] = {{report::kRootId, places.root()}};
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = std::move(results);
  const Json document{{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", {std::move(run)}}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sonde
