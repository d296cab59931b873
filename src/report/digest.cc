#include "report/digest.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/place.h"
#include "report/text.h"

namespace sonde::report {
namespace {

constexpr std::size_t kCauses = 3;  // the first ones are told; all are in the JSON
constexpr std::size_t kContextLines = 6;
constexpr std::size_t kEvidenceLines = 3;  // of the best cause; the others get one

bool same_line(const SourceLine& a, const SourceLine& b) { return a.file == b.file && a.line == b.line; }

}  // namespace

std::string kind_of(const Finding& finding) {
  const bool known = !finding.causes.empty() && finding.causes.front().cause != Cause::unknown;
  return known ? std::string(to_string(finding.causes.front().cause)) : clean(finding.origin.kind);
}

std::span<const RankedCause> told_causes(const Finding& finding) {
  return std::span(finding.causes).first(std::min(kCauses, finding.causes.size()));
}

std::vector<std::string> fixes_of(const Finding& finding) {
  std::vector<std::string> fixes;
  for (const RankedCause& cause : told_causes(finding)) {
    std::string fix = clean(cause.fix);
    if (!fix.empty() && std::find(fixes.begin(), fixes.end(), fix) == fixes.end()) fixes.push_back(std::move(fix));
  }
  return fixes;
}

std::vector<Reason> reasons_of(const Finding& finding) {
  std::vector<Reason> reasons;
  // False if the line was told before.
  const auto tell = [&](const std::string& line, const std::string& source) {
    std::string text = clean(line);
    const auto same = [&](const Reason& reason) { return reason.text == text; };
    if (text.empty() || text == clean(finding.origin.message) || std::ranges::any_of(reasons, same)) return false;
    reasons.push_back({std::move(text), source});
    return true;
  };
  for (std::size_t i = 0; i < std::min(kContextLines, finding.context.size()); ++i) tell(finding.context[i], {});
  std::size_t left = kEvidenceLines;
  for (const RankedCause& cause : told_causes(finding)) {
    const bool elsewhere = !same_line(cause.where.source, finding.origin.where.source);
    std::string source = elsewhere ? describe(cause.where.source) : std::string();
    for (const std::string& line : cause.evidence) {
      if (left == 0) break;
      if (!tell(line, source)) continue;
      source.clear();
      --left;
    }
    left = 1;
  }
  return reasons;
}

std::string course_of(const Finding& finding) {
  std::string text;
  if (finding.followed_by_count > 0) {
    std::uint64_t from = finding.followed_by.empty() ? finding.origin.step : finding.followed_by.front().step;
    for (const Symptom& symptom : finding.followed_by) from = std::min(from, symptom.step);
    text = "followed by " + counted(finding.followed_by_count, "symptom");
    if (finding.followed_by_layers > 0) text += " in " + counted(finding.followed_by_layers, "layer");
    text += fmt::format(" from step {} on, folded into this incident", from);
  }
  if (finding.last_step > finding.origin.step) {
    text += fmt::format("{}last seen on step {}", text.empty() ? "" : "; ", finding.last_step);
  }
  return text;
}

}  // namespace sonde::report
