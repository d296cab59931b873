#include "report/html_findings.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/digest.h"
#include "report/html_markup.h"
#include "report/place.h"
#include "report/text.h"

namespace sonde::report {
namespace {

std::string words(std::string spelling) {
  std::ranges::replace(spelling, '-', ' ');
  return spelling;
}

// Unless it begins with a name of the program's language: "log_softmax".
std::string capitalised(std::string text) {
  const std::string_view word = std::string_view(text).substr(0, text.find(' '));
  const bool plain = std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == ','; });
  if (plain && !text.empty() && text[0] >= 'a') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

struct Look {
  std::string_view symbol;
  std::string_view word;
};

Look look_of(Severity severity) {
  switch (severity) {
    case Severity::error:
      return {"\u2715", "Error"};
    case Severity::warning:
      return {"!", "Warning"};
    case Severity::advice:
      break;
  }
  return {"i", "Advice"};
}

std::string row(std::string_view label, std::string_view content) {
  return content.empty() ? std::string() : fmt::format("<dt>{}</dt><dd>{}</dd>\n", label, content);
}

std::string reasons(const Finding& finding) {
  std::string items;
  for (const Reason& reason : reasons_of(finding)) {
    const std::string source =
        reason.source.empty() ? "" : fmt::format(" <span class=\"source\">{}</span>", escaped(reason.source));
    items += fmt::format("<li>{}{}</li>", escaped(reason.text), source);
  }
  return items.empty() ? items : "<ul>" + items + "</ul>";
}

std::string causes(const Finding& finding) {
  std::string items;
  for (const RankedCause& cause : told_causes(finding)) {
    if (cause.cause == Cause::unknown) continue;
    const std::string name(to_string(cause.cause));
    const bool elsewhere = !cause.where.layer.empty() && cause.where.layer != finding.origin.where.layer;
    items += fmt::format(
        "<li><span class=\"cause\">{}{}</span><meter min=\"0\" max=\"1\" value=\"{:.2f}\" "
        "aria-label=\"confidence\"></meter>"
        "<span class=\"confidence\">{:.2f}</span></li>",
        words(name), elsewhere ? fmt::format(" in <code>{}</code>", escaped(cause.where.layer)) : "", cause.confidence,
        cause.confidence);
  }
  return items.empty() ? items : "<ul class=\"causes\">" + items + "</ul>";
}

std::string fixes(const Finding& finding) {
  std::string items;
  for (const std::string& fix : fixes_of(finding)) items += fmt::format("<li>{}</li>", escaped(capitalised(fix)));
  return items.empty() ? items : "<ol class=\"fixes\">" + items + "</ol>";
}

std::string course(const Finding& finding) {
  const std::string text = escaped(capitalised(course_of(finding)));
  if (finding.followed_by.empty()) return text.empty() ? text : "<p class=\"course\">" + text + "</p>";
  std::string items;
  for (const Symptom& symptom : finding.followed_by) {
    items += fmt::format("<li>step {}, {}: {}</li>", symptom.step, escaped(describe(symptom.where)),
                         escaped(symptom.message));
  }
  if (finding.followed_by_count > finding.followed_by.size()) {
    items += fmt::format("<li>and {} more</li>", finding.followed_by_count - finding.followed_by.size());
  }
  return fmt::format("<details class=\"course\"><summary>{}</summary><ul>{}</ul></details>", text, items);
}

// "forward of conv2 (aten::conv2d) · train.cpp:41 · step 23", the whole path of the file on a pointer's visit.
std::string place_line(const Finding& finding) {
  const Location& where = finding.origin.where;
  std::string text = fmt::format("<span>step {}</span><span>{}</span>", finding.origin.step, escaped(describe(where)));
  const std::string source = describe(where.source);
  if (source.empty()) return text;
  return text +
         fmt::format("<span class=\"source\" title=\"{}\">{}</span>", escaped(where.source.file), escaped(source));
}

std::string place_name(const Location& where) {
  const std::string name = escaped(short_name(where));
  return where.layer.empty() ? name : "<code>" + name + "</code>";
}

std::string card(const Finding& finding, std::size_t number) {
  const Look look = look_of(finding.severity);
  return fmt::format(
      R"(<article class="card {severity}" id="finding-{number}" aria-labelledby="finding-{number}-title">
<header><span class="badge" aria-hidden="true">{symbol}</span><div>
<h3 id="finding-{number}-title"><span class="severity">{word} {number}</span> {cause} <span class="in">in</span> {place}</h3>
<p class="place">{line}</p></div>
<button type="button" class="show" data-finding="{number}" hidden>Show in map</button></header>
<div class="told"><dl>
{seen}{why}</dl><dl>
{fixes}{causes}{kept}</dl></div>
{course}</article>
)",
      fmt::arg("severity", to_string(finding.severity)), fmt::arg("number", number), fmt::arg("symbol", look.symbol),
      fmt::arg("word", look.word), fmt::arg("cause", escaped(capitalised(words(kind_of(finding))))),
      fmt::arg("place", place_name(finding.origin.where)), fmt::arg("line", place_line(finding)),
      fmt::arg("seen", row("Seen", escaped(finding.origin.message))), fmt::arg("why", row("Why", reasons(finding))),
      fmt::arg("causes", row("Causes", causes(finding))), fmt::arg("fixes", row("Fix", fixes(finding))),
      fmt::arg("kept", row("Kept", escaped(finding.kept))), fmt::arg("course", course(finding)));
}

std::string losses(const RunContext& context) {
  if (std::isnan(context.first_loss) && std::isnan(context.last_loss)) return {};
  return fmt::format("; loss {} \u2192 {}", number(context.first_loss), number(context.last_loss));
}

std::string below_verdict(const Report& report) {
  const RunContext& context = report.context;
  if (context.steps == 0) return "There is nothing to judge.";
  const std::string in_full = context.observed_steps == context.steps ? "all" : grouped(context.observed_steps);
  return fmt::format("{} {} watched in {} {}, {} of them in full{}", grouped(context.steps),
                     context.steps == 1 ? "step" : "steps", grouped(context.layers),
                     context.layers == 1 ? "layer" : "layers", in_full, losses(context));
}

}  // namespace

std::string tone(const Report& report) {
  if (report.count(Severity::error) > 0) return "error";
  if (report.count(Severity::warning) > 0) return "warning";
  return report.context.steps == 0 ? "empty" : "healthy";
}

std::string verdict(const Report& report) {
  if (report.count(Severity::warning) == 0) {
    if (report.context.steps == 0) return "No training step was seen";
    if (report.findings.empty()) return "Nothing wrong was found";
    return fmt::format("Nothing wrong was found; {} worth knowing", counted(report.findings.size(), "habit"));
  }
  const Finding& worst = report.findings.front();
  const std::string_view what = worst.severity == Severity::error ? "Training broke" : "Training is very likely hurt";
  return fmt::format("{} {} step {} in {}: {}", what, worst.severity == Severity::error ? "at" : "since",
                     worst.origin.step, short_name(worst.origin.where), words(kind_of(worst)));
}

std::string verdict_section(const Report& report) {
  const std::string colour = tone(report);
  const std::string_view symbol = colour == "error"     ? "\u2715"
                                  : colour == "warning" ? "!"
                                  : colour == "healthy" ? "\u2713"
                                                        : "\u2013";
  return fmt::format(
      R"(<section class="verdict {}" aria-label="Verdict"><span class="badge" aria-hidden="true">{}</span>
<div><h1>{}</h1><p>{}</p></div></section>
)",
      colour, symbol, escaped(verdict(report)), escaped(below_verdict(report)));
}

std::string finding_cards(const Report& report) {
  std::string cards;
  for (std::size_t i = 0; i < report.findings.size(); ++i) cards += card(report.findings[i], i + 1);
  if (cards.empty()) return cards;
  return "<section class=\"cards\" aria-label=\"Incidents\">\n" + cards + "</section>\n";
}

}  // namespace sonde::report
