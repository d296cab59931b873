#include "report/console.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "report/digest.h"
#include "report/place.h"
#include "report/rows.h"
#include "report/text.h"

namespace sonde::report {
namespace {

constexpr std::size_t kHeadIndent = 7;  // of further lines of a headline
constexpr std::size_t kNotObserved = 8;

std::string prefix(const std::string& name) {
  return name.empty() || name == "sonde" ? "sonde: " : fmt::format("sonde({}): ", clean(name));
}

std::string headline(const std::string& monitor, const Finding& finding) {
  return fmt::format("{}{}[{}] {}", prefix(monitor), to_string(finding.severity), kind_of(finding),
                     describe(finding.origin.where));
}

void add_why(Rows& rows, const Finding& finding) {
  std::string_view label = "why";
  for (const Reason& reason : reasons_of(finding)) {
    rows.add(label, reason.text, reason.source);
    label = "";
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

std::string in_full(const std::string& monitor, const Finding& finding) {
  Rows rows(with_right(headline(monitor, finding), describe(finding.origin.where.source)));
  rows.add(fmt::format("step {}", finding.origin.step), clean(finding.origin.message));
  add_why(rows, finding);
  add_causes(rows, finding);
  add_fixes(rows, finding);
  if (!finding.kept.empty()) rows.add("kept", clean(finding.kept));
  if (const std::string course = course_of(finding); !course.empty()) rows.add_line(course);
  return rows.take();
}

std::string in_short(const std::string& monitor, const Finding& finding) {
  std::string sentence = headline(monitor, finding) + ": " + clean(finding.origin.message);
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
  append_wrapped(text, prefix(report.context.monitor) + sentence, kHeadIndent);
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
  return prefix(report.context.monitor) + text;
}

std::string counts(const Report& report) {
  const std::size_t errors = report.count(Severity::error);
  const std::size_t warnings = report.count(Severity::warning) - errors;
  const std::size_t advices = report.findings.size() - errors - warnings;
  std::string text;
  if (errors > 0) text = counted(errors, "error");
  if (warnings > 0) append_part(text, ", ", counted(warnings, "warning"));
  if (advices > 0) append_part(text, ", ", fmt::format("{} advice", advices));
  return text;
}

std::string last_line(const Report& report) {
  std::string text = counts(report);
  append_part(text, "; ", cost(report.cost));
  append_part(text, "; ", counted(report.cost.records, "record"));
  append_part(text, ", ",
              fmt::format("{} dropped", report.cost.dropped == 0 ? "none" : std::to_string(report.cost.dropped)));
  return wrapped(report, text);
}

}  // namespace

Block describe(const std::string& monitor, const Finding& finding) {
  switch (finding.severity) {
    case Severity::error:
      return {Block::Level::error, in_full(monitor, finding)};
    case Severity::warning:
      return {Block::Level::warning, in_full(monitor, finding)};
    case Severity::advice:
      break;
  }
  return {Block::Level::info, in_short(monitor, finding)};
}

std::string closing_line(const Report& report) {
  if (report.count(Severity::warning) == 0) return healthy_line(report);
  std::string text = counts(report) + " in " + steps(report.context);
  for (const auto& part : {losses(report.context), cost(report.cost), drops(report.cost)})
    append_part(text, "; ", part);
  return prefix(report.context.monitor) + text;
}

std::vector<Block> describe(const Report& report) {
  const bool healthy = report.count(Severity::warning) == 0;
  std::vector<Block> blocks;
  blocks.push_back({Block::Level::info, healthy ? healthy_line(report) : context_line(report)});
  for (const Finding& finding : report.findings) blocks.push_back(describe(report.context.monitor, finding));
  if (healthy) return blocks;
  if (!report.not_observed.empty()) {
    blocks.push_back({Block::Level::info, wrapped(report, not_observed(report, kNotObserved))});
  }
  blocks.push_back({Block::Level::info, last_line(report)});
  return blocks;
}

}  // namespace sonde::report
