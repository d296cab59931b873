#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "command/commands.h"
#include "command/input.h"
#include "report/names.h"
#include "report/place.h"
#include "report/text.h"

namespace sonde::command {
namespace {

struct Choice {
  std::string file;
  std::string fail_on = "warning";
  std::vector<std::string> ignored;
};

// As compilers write their messages, so that editors and CI find the line.
std::string line_of(const Finding& finding) {
  const Location& where = finding.origin.where;
  const Cause cause = finding.causes.front().cause;
  const std::string place = where.source.known()
                                ? fmt::format("{}:{}: ", report::clean(where.source.file), where.source.line)
                                : std::string();
  return fmt::format("{}{}: {}, step {}: {} [{}]", place, to_string(finding.severity), report::describe(where),
                     finding.origin.step, report::clean(finding.origin.message),
                     cause == Cause::unknown ? report::clean(finding.origin.kind) : std::string(to_string(cause)));
}

int run(const Choice& choice) {
  const Severity threshold = *report::severity_named(choice.fail_on);
  const Report report = read_report(choice.file);
  std::size_t ignored = 0;
  std::size_t told = 0;
  for (const Finding& finding : report.findings) {
    if (finding.severity < threshold) continue;
    const std::string cause(to_string(finding.causes.front().cause));
    if (std::ranges::find(choice.ignored, cause) != choice.ignored.end()) {
      ++ignored;
      continue;
    }
    ++told;
    std::cout << line_of(finding) << '\n';
  }
  const std::string also = ignored > 0 ? fmt::format(", {} ignored", ignored) : std::string();
  const std::string found = told > 0 ? report::counted(told, "finding") : std::string("no findings");
  std::cout << fmt::format("sonde: {} of severity {} or above{} in {}\n", found, choice.fail_on, also,
                           report::counted(report.context.steps, "step"));
  return told > 0 ? kSeen : kFine;
}

std::string known_severity(const std::string& name) {
  return report::severity_named(name) ? std::string() : "is '" + name + "'; it can be error, warning or advice";
}

std::string known_cause(const std::string& name) {
  return report::cause_named(name)
             ? std::string()
             : "is '" + name + "', which is no cause; reports name them in brackets: error[overflow]";
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  auto choice = std::make_shared<Choice>();
  CLI::App* sub = app.add_subcommand("check", "List the findings of a run, and fail if there are any (for CI)");
  sub->add_option("FILE", choice->file, "Trace file or report as JSON")->required();
  sub->add_option("--fail-on", choice->fail_on, "The least severity that counts: error, warning or advice")
      ->check(known_severity)
      ->capture_default_str();
  sub->add_option("--ignore", choice->ignored,
                  "A cause that does not count, for example dropout-rate; may be given again")
      ->check(known_cause)
      ->allow_extra_args(false);
  sub->callback([choice, &status] { status = run(*choice); });
}

}  // namespace sonde::command
