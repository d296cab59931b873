#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "command/commands.h"
#include "command/difference.h"
#include "command/input.h"
#include "command/program_diff.h"
#include "report/text.h"

namespace sonde::command {
namespace {

struct Choice {
  std::string a;
  std::string b;
  std::size_t rows = 10;
};

std::string headline(const char* name, const std::string& path, const Course& course) {
  const auto& losses = course.loss.samples;
  const std::string loss = losses.empty() ? std::string()
                                          : fmt::format("; loss {} -> {}", report::number(losses.front().value),
                                                        report::number(losses.back().value));
  return fmt::format("{}  {}: {} ({} observed in full){}\n", name, report::clean(path),
                     report::counted(course.steps, "step"), course.observed_steps, loss);
}

// By how much, in words; values of A and B are told beside it.
std::string distance(const Parting& parting) {
  if (parting.non_finite) return std::isnan(parting.a) ? "not finite in A" : "not finite in B";
  if (!parting.factor) return fmt::format("{} apart", report::number(std::abs(parting.b - parting.a)));
  if (parting.a == 0 || parting.b == 0) return parting.a == 0 ? "zero in A" : "zero in B";
  const double factor = parting.b / parting.a;
  return factor >= 1 ? fmt::format("{} times A", report::number(factor))
                     : fmt::format("A / {}", report::number(1 / factor));
}

std::string own_noise(const Parting& parting) {
  if (parting.non_finite) return "-";
  if (!parting.factor) return report::number(parting.noise);
  return fmt::format("{} %", report::number(100 * std::expm1(parting.noise)));
}

std::string programs(const std::vector<Unlike>& unlike, std::size_t rows) {
  std::string text = "\nThe programs differ:\n";
  std::size_t width = 0;
  const std::size_t told = std::min(rows, unlike.size());
  for (std::size_t i = 0; i < told; ++i) width = std::max(width, report::width(unlike[i].what));
  for (std::size_t i = 0; i < told; ++i) {
    const std::string gap(width - report::width(unlike[i].what), ' ');
    text += fmt::format("  {}{}  A {}; B {}\n", unlike[i].what, gap, unlike[i].a, unlike[i].b);
  }
  if (unlike.size() > told) text += fmt::format("  and {} more\n", unlike.size() - told);
  return text;
}

std::string table(const std::vector<PartedLine>& parted, std::size_t rows) {
  const std::size_t told = std::min(rows, parted.size());
  std::size_t width = 5;
  for (std::size_t i = 0; i < told; ++i) width = std::max(width, report::width(parted[i].name));
  std::string text =
      fmt::format("\n  {:>8}  {:<{}}  {:>10}  {:>10}  {:<16}  {}\n", "step", "place", width, "A", "B", "B is", "noise");
  for (std::size_t i = 0; i < told; ++i) {
    const PartedLine& line = parted[i];
    const std::string gap(width - report::width(line.name), ' ');
    text += fmt::format("  {:>8}  {}{}  {:>10}  {:>10}  {:<16}  {}\n", line.parting.step, line.name, gap,
                        report::number(line.parting.a), report::number(line.parting.b), distance(line.parting),
                        own_noise(line.parting));
  }
  if (parted.size() > told) text += fmt::format("  and {} more\n", parted.size() - told);
  return text;
}

std::string verdict(const Difference& difference, bool programs_differ) {
  const std::string compared = fmt::format("{} over {}", report::counted(difference.compared, "line"),
                                           report::counted(difference.steps, "step"));
  if (difference.compared == 0) return "\nThe runs have no place in common.\n";
  std::string start = "they began with different weights (another seed)";
  if (difference.same_start && difference.first_unlike) {
    start = fmt::format("not the same bit for bit from step {} on, first in: {}", difference.first_unlike->step,
                        difference.first_unlike->name);
  }
  if (!difference.first_unlike) {
    return fmt::format("\n{}: bit for bit the same, {}.\n",
                       programs_differ ? "No difference in what was measured" : "No difference", compared);
  }
  if (difference.parted.empty()) {
    return fmt::format("\nThe runs differ only within their own noise: {}; {}.\n", compared, start);
  }
  const PartedLine& first = difference.parted.front();
  const std::string noise =
      first.parting.non_finite ? std::string() : fmt::format("; own noise {}", own_noise(first.parting));
  return fmt::format("\nThe runs part at step {}: {} is {} in A, {} in B{}.\n{} of {} part; {}.\n", first.parting.step,
                     first.name, report::number(first.parting.a), report::number(first.parting.b), noise,
                     difference.parted.size(), compared, start);
}

int run(const Choice& choice) {
  const trace::Trace trace_a = read_trace(choice.a, "diff");
  const trace::Trace trace_b = read_trace(choice.b, "diff");
  const Course a = course_of(trace_a);
  const Course b = course_of(trace_b);
  const std::vector<Unlike> unlike = unlike_programs(trace_a, trace_b, a, b);
  const Difference found = difference(a, b);
  std::cout << headline("A", choice.a, a) << headline("B", choice.b, b);
  if (!unlike.empty()) std::cout << programs(unlike, choice.rows);
  std::cout << verdict(found, !unlike.empty());
  if (!found.parted.empty()) std::cout << table(found.parted, choice.rows);
  return unlike.empty() && found.parted.empty() ? kFine : kSeen;
}

}  // namespace

void add_diff(CLI::App& app, int& status) {
  auto choice = std::make_shared<Choice>();
  CLI::App* sub = app.add_subcommand("diff", "Say where two runs part by more than their own noise");
  sub->add_option("A", choice->a, "Trace file of the one run")->required();
  sub->add_option("B", choice->b, "Trace file of the other")->required();
  sub->add_option("-n,--rows", choice->rows, "Rows of each table")->check(CLI::PositiveNumber)->capture_default_str();
  sub->callback([choice, &status] { status = run(*choice); });
}

}  // namespace sonde::command
