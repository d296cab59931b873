#include "report/console.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "report/place.h"
#include "report/text.h"

namespace sonde::report {
namespace {

constexpr std::size_t kIndent = 12;     // of the text beside the labels of a finding
constexpr std::size_t kHeadIndent = 7;  // of further lines of a headline
constexpr std::size_t kCauses = 3;      // the first ones are told; all are in the JSON
constexpr std::size_t kContextLines = 6;
constexpr std::size_t kEvidenceLines = 3;  // of the best cause; the others get one
constexpr std::size_t kNotObserved = 8;

std::string prefix(const Report& report) {
  const std::string& name = report.context.monitor;
  return name.empty() || name == "sonde" ? "sonde: " : fmt::format("sonde({}): ", clean(name));
}

// Lines of a finding: a label, then text beside it.
class Rows {
 public:
  explicit Rows(std::string head) : text_(std::move(head)) {}

  void add(std::string_view label, std::string_view text, std::string_view right = {}) {
    std::string row = fmt::format("  {:<{}}", label, kIndent - 3) + " ";
    append_wrapped(row, text, kIndent);
    text_ += '\n' + with_right(std::move(row), right);
  }
  void add_line(std::string_view text) { text_ += fmt::format("\n  {}", text); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

bool same_line(const SourceLine& a, const SourceLine& b) { return a.file == b.file && a.line == b.line; }

std::string kind_of(const Finding& finding) {
  const bool known = !finding.causes.empty() && finding.causes.front().cause != Cause::unknown;
  return known ? std::string(to_string(finding.causes.front().cause)) : clean(finding.origin.kind);
}

std::string headline(const Report& report, const Finding& finding) {
  return fmt::format("{}{}[{}] {}", prefix(report), to_string(finding.severity), kind_of(finding),
                     describe(finding.origin.where));
}

// REQUIRES: Finding::causes best first.
std::span<const RankedCause> told_causes(const Finding& finding) {
  return std::span(finding.causes).first(std::min(kCauses, finding.causes.size()));
}

// The first distinct fixes of the causes that are told.
std::vector<std::string> fixes_of(const Finding& finding) {
  std::vector<std::string> fixes;
  for (const RankedCause& cause : told_causes(finding)) {
    std::string fix = clean(cause.fix);
    if (!fix.empty() && std::find(fixes.begin(), fixes.end(), fix) == fixes.end()) fixes.push_back(std::move(fix));
  }
  return fixes;
}

void add_why(Rows& rows, const Finding& finding) {
  std::vector<std::string> told{clean(finding.origin.message)};
  std::string_view label = "why";
  // False if the line was told before.
  const auto tell = [&](const std::string& line, const std::string& right) {
    std::string text = clean(line);
    if (text.empty() || std::find(told.begin(), told.end(), text) != told.end()) return false;
    rows.add(label, text, right);
    label = "";
    told.push_back(std::move(text));
    return true;
  };
  for (std::size_t i = 0; i < std::min(kContextLines, finding.context.size()); ++i) tell(finding.context[i], {});
  std::size_t left = kEvidenceLines;
  for (const RankedCause& cause : told_causes(finding)) {
    const bool elsewhere = !same_line(cause.where.source, finding.origin.where.source);
    std::string right = elsewhere ? describe(cause.where.source) : std::string();
    for (const std::string& line : cause.evidence) {
      if (left == 0) break;
      if (!tell(line, right)) continue;
      right.clear();
      --left;
    }
    left = 1;
  }
}

void add_causes(Rows& rows, const Finding& finding) {
  std::string text;
  for (const RankedCause& cause : told_causes(finding)) {
    if (!text.empty()) text += ", ";
    text += to_string(cause.cause);
    if (cause.cause != Cause::unknown) text += fmt::format(" {:.2f}", cause.confidence);
    if (!cause.where.layer.empty() && cause.where.layer != finding.origin.where.layer) {
      text += fmt::format(" ({})", short_name(cause.where));
    }
  }
  if (!text.empty()) rows.add("causes", text);
}

void add_fixes(Rows& rows, const Finding& finding) {
  const auto fixes = fixes_of(finding);
  if (fixes.size() == 1) rows.add("fix", fixes.front());
  for (std::size_t i = 0; fixes.size() > 1 && i < fixes.size(); ++i) {
    rows.add(i == 0 ? "fix" : "", fmt::format("{} {}", i + 1, fixes[i]));
  }
}

void add_course(Rows& rows, const Finding& finding) {
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
  if (!text.empty()) rows.add_line(text);
}

std::string in_full(const Report& report, const Finding& finding) {
  Rows rows(with_right(headline(report, finding), describe(finding.origin.where.source)));
  rows.add(fmt::format("step {}", finding.origin.step), clean(finding.origin.message));
  add_why(rows, finding);
  add_causes(rows, finding);
  add_fixes(rows, finding);
  if (!finding.kept.empty()) rows.add("kept", clean(finding.kept));
  add_course(rows, finding);
  return rows.take();
}

std::string in_short(const Report& report, const Finding& finding) {
  std::string sentence = headline(report, finding) + ": " + clean(finding.origin.message);
  for (const std::string& fix : fixes_of(finding)) sentence += "; " + fix;
  std::string text;
  append_wrapped(text, sentence, kHeadIndent);
  return with_right(std::move(text), describe(finding.origin.where.source));
}

std::string steps(const RunContext& context) {
  if (context.steps == 0) return "no steps";
  const std::string seen = context.observed_steps == context.steps ? "all" : std::to_string(context.observed_steps);
  return fmt::format("{} ({} observed in full)", counted(context.steps, "step"), seen);
}

void append_part(std::string& text, std::string_view separator, std::string_view part) {
  if (part.empty()) return;
  if (!text.empty()) text += separator;
  text += part;
}

std::string losses(const RunContext& context) {
  const bool seen = !std::isnan(context.first_loss) || !std::isnan(context.last_loss);
  return seen ? fmt::format("loss {} -> {}", number(context.first_loss), number(context.last_loss)) : std::string();
}

std::string cost(const Cost& cost) {
  return cost.step_seconds > 0 ? fmt::format("cost {} %", number(100 * cost.share())) : std::string();
}

std::string drops(const Cost& cost) {
  return cost.dropped > 0 ? counted(cost.dropped, "record") + " dropped" : std::string();
}

std::string not_observed(const Report& report, std::size_t at_most) {
  std::string text;
  const std::size_t told = std::min(at_most, report.not_observed.size());
  for (const NotObserved& unseen : std::span(report.not_observed).first(told)) {
    std::string times = unseen.count > 1 ? fmt::format(", {} times", unseen.count) : "";
    append_part(text, "; ", fmt::format("{} ({}{})", clean(unseen.what), clean(unseen.reason), times));
  }
  if (report.not_observed.size() > told) text += fmt::format(" and {} more", report.not_observed.size() - told);
  return text.empty() ? text : "not observed: " + text;
}

std::string wrapped(const Report& report, const std::string& sentence) {
  std::string text;
  append_wrapped(text, prefix(report) + sentence, kHeadIndent);
  return text;
}

std::string context_line(const Report& report) {
  const RunContext& context = report.context;
  std::string text;
  if (context.layers > 0) text = counted(context.layers, "layer");
  if (context.parameters > 0) append_part(text, ", ", counted(context.parameters, "parameter"));
  append_part(text, "; ", clean(context.optimizer));
  append_part(text, "; ", clean(context.loss));
  append_part(text, "; ", clean(context.task));
  if (!context.task.empty() && !context.task_reason.empty()) text += fmt::format(" ({})", clean(context.task_reason));
  append_part(text, "; ", clean(context.device));
  if (!context.torch_version.empty()) append_part(text, "; ", "LibTorch " + clean(context.torch_version));
  if (!context.sonde_version.empty()) append_part(text, ", ", "Sonde " + clean(context.sonde_version));
  append_part(text, "; ", steps(context));
  append_part(text, "; ", losses(context));
  return wrapped(report, text);
}

// Nothing of severity warning or above: all there is to say in one line.
std::string healthy_line(const Report& report) {
  std::string text = report.findings.empty() ? "no findings in " : "no errors or warnings in ";
  text += steps(report.context);
  for (const auto& part : {losses(report.context), cost(report.cost), drops(report.cost), not_observed(report, 1)}) {
    append_part(text, "; ", part);
  }
  return prefix(report) + text;
}

std::string last_line(const Report& report) {
  const std::size_t errors = report.count(Severity::error);
  const std::size_t warnings = report.count(Severity::warning) - errors;
  const std::size_t advices = report.findings.size() - errors - warnings;
  std::string text;
  if (errors > 0) text = counted(errors, "error");
  if (warnings > 0) append_part(text, ", ", counted(warnings, "warning"));
  if (advices > 0) append_part(text, ", ", fmt::format("{} advice", advices));
  append_part(text, "; ", cost(report.cost));
  append_part(text, "; ", counted(report.cost.records, "record"));
  append_part(text, ", ",
              fmt::format("{} dropped", report.cost.dropped == 0 ? "none" : std::to_string(report.cost.dropped)));
  return wrapped(report, text);
}

}  // namespace

std::vector<Block> describe(const Report& report) {
  const bool healthy = report.count(Severity::warning) == 0;
  std::vector<Block> blocks;
  blocks.push_back({Block::Level::info, healthy ? healthy_line(report) : context_line(report)});
  for (const Finding& finding : report.findings) {
    switch (finding.severity) {
      case Severity::advice:
        blocks.push_back({Block::Level::info, in_short(report, finding)});
        break;
      case Severity::warning:
        blocks.push_back({Block::Level::warning, in_full(report, finding)});
        break;
      case Severity::error:
        blocks.push_back({Block::Level::error, in_full(report, finding)});
        break;
    }
  }
  if (healthy) return blocks;
  if (!report.not_observed.empty()) {
    blocks.push_back({Block::Level::info, wrapped(report, not_observed(report, kNotObserved))});
  }
  blocks.push_back({Block::Level::info, last_line(report)});
  return blocks;
}

}  // namespace sonde::report
