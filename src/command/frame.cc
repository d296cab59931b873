#include "command/frame.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "command/vitals.h"
#include "report/place.h"
#include "report/text.h"

namespace sonde::command {
namespace {

constexpr std::size_t kLayers = 5;
constexpr std::size_t kIncidents = 5;

std::string number(double value) { return std::isnan(value) ? "-" : report::number(value); }

const char* state_in_words(RunState state) {
  switch (state) {
    case RunState::running:
      return "running";
    case RunState::ended:
      return "ended";
    case RunState::gone:
      break;
  }
  return "gone: the program ended without closing its trace";
}

std::string loss_in_words(const Vitals& vitals) {
  if (std::isnan(vitals.loss) && !vitals.begun) return "loss -";
  const std::string course = trend(vitals);
  return fmt::format("loss {}{}", report::number(vitals.loss), course.empty() ? course : " " + course);
}

std::string steps_in_words(const Vitals& vitals) {
  if (!vitals.begun) return "no step yet";
  const std::string rate = std::isnan(vitals.steps_per_second)
                               ? std::string()
                               : fmt::format("  {} steps/s", report::number(vitals.steps_per_second));
  return fmt::format("step {}{}", vitals.step, rate);
}

std::string name_of(const Finding& finding) {
  const Cause cause = finding.causes.empty() ? Cause::unknown : finding.causes.front().cause;
  return cause == Cause::unknown ? report::clean(finding.origin.kind) : std::string(to_string(cause));
}

std::string incident(const Finding& finding) {
  const std::string line = report::describe(finding.origin.where.source);
  return fmt::format("  {}[{}] step {}, {}{}", to_string(finding.severity), name_of(finding), finding.origin.step,
                     report::describe(finding.origin.where), line.empty() ? line : "  " + line);
}

}  // namespace

std::string cut(const std::string& text, std::size_t width) {
  std::size_t columns = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins && columns++ == width) break;
    ++end;
  }
  return text.substr(0, end);
}

std::vector<std::string> frame(const trace::Trace& trace, const Report& report, RunState state, std::size_t width) {
  const Vitals vitals = vitals_of(trace);
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}: {}", report::clean(report.context.monitor), state_in_words(state)));
  lines.push_back(fmt::format("{}  {}  learning rate {}", steps_in_words(vitals), loss_in_words(vitals),
                              number(vitals.learning_rate)));
  if (!vitals.layers.empty()) {
    lines.emplace_back();
    lines.push_back(
        fmt::format("  {:<32} {:>15} {:>10} {:>10}", "layers, strangest first", "update/weight", "gradient", "dead"));
    for (std::size_t i = 0; i < std::min(kLayers, vitals.layers.size()); ++i) {
      const LayerVitals& layer = vitals.layers[i];
      const std::string name = cut(layer.name, 32);
      const std::string gap(32 - report::width(name), ' ');
      const std::string dead = std::isnan(layer.dead) ? "-" : fmt::format("{:.0f} %", 100 * layer.dead);
      lines.push_back(
          fmt::format("  {}{} {:>15} {:>10} {:>10}", name, gap, number(layer.update), number(layer.gradient), dead));
    }
  }
  lines.emplace_back();
  if (report.findings.empty()) lines.emplace_back("no incidents");
  for (std::size_t i = 0; i < std::min(kIncidents, report.findings.size()); ++i) {
    lines.push_back(incident(report.findings[i]));
  }
  if (report.findings.size() > kIncidents) {
    lines.push_back(fmt::format("  and {} more", report.findings.size() - kIncidents));
  }
  for (std::string& line : lines) line = cut(line, width);
  return lines;
}

std::string short_line(const trace::Trace& trace, const Report& report, RunState state) {
  const Vitals vitals = vitals_of(trace);
  std::string text = fmt::format("{}  {}", steps_in_words(vitals), loss_in_words(vitals));
  for (std::size_t i = 0; i < std::min(kIncidents, report.findings.size()); ++i) {
    text += fmt::format("  {}[{}]", to_string(report.findings[i].severity), name_of(report.findings[i]));
  }
  return state == RunState::running ? text : text + "  " + state_in_words(state);
}

}  // namespace sonde::command
