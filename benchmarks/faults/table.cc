#include "faults/table.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include "faults/published.h"

namespace sonde::faults {
namespace {

std::string mark(bool yes, char letter) { return std::string(1, yes ? letter : '-'); }

std::string fraction(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-" : fmt::format("{}/{}", part, whole);
}

// Tools that found the case's fault; those that also said where are marked with a star.
std::string found_by(const Case& of) {
  std::vector<std::string> tools;
  for (const auto& [tool, result] : of.published) {
    if (result.identified.value_or(false)) tools.push_back(tool + (result.localised.value_or(false) ? "*" : ""));
  }
  return tools.empty() ? "nobody" : fmt::format("{}", fmt::join(tools, ", "));
}

std::string to_text(const Answer& answer) {
  const Where& where = answer.where;
  return fmt::format("{} at {}", answer.cause.empty() ? "(no name)" : answer.cause,
                     where.layer.empty() ? where.part : "layer " + where.layer);
}

void print_findings(std::ostream& out, const Trial& run, bool with_advice) {
  if (!run.failure.empty()) fmt::print(out, "      failed: {}\n", run.failure);
  if (!run.refused.empty()) fmt::print(out, "      refused at step 0: {}\n", run.refused);
  if (!run.stopped_by.empty() && run.refused.empty()) {
    fmt::print(out, "      the program threw: {}\n", run.stopped_by.substr(0, run.stopped_by.find('\n')));
  }
  for (const Seen& seen : run.findings) {
    if (seen.severity == Severity::advice && !with_advice) continue;
    fmt::print(out, "      {}", to_text(seen));
    for (std::size_t i = 1; i < std::min<std::size_t>(seen.causes.size(), 3); ++i) {
      const Blame& blame = seen.causes[i];
      fmt::print(out, "; {} {:.2f} at {}", blame.cause, blame.confidence, to_text(blame.where));
    }
    fmt::print(out, "\n        seen: {} at {}: {}\n", seen.kind, to_text(seen.where), seen.message);
  }
}

void print_buggy(std::ostream& out, const CaseScore& score) {
  const Case& of = *score.of;
  for (std::size_t i = 0; i < of.faults.size(); ++i) {
    const FaultScore& fault = score.faults[i];
    fmt::print(out, "    {}{} {}{}\n", mark(fault.localised, 'L'), mark(fault.explained, 'E'),
               to_text(of.faults[i].answers.front()), of.faults[i].scored ? "" : " (not scored)");
  }
  for (const Trial& run : score.runs) {
    if (run.variant == Variant::buggy) print_findings(out, run, true);
  }
}

void print_quiet(std::ostream& out, const CaseScore& score) {
  for (const Trial& run : score.runs) {
    if (run.variant == Variant::buggy) continue;
    const bool quiet = std::none_of(run.findings.begin(), run.findings.end(),
                                    [](const Seen& s) { return s.severity > Severity::advice; }) &&
                       run.failure.empty() && run.refused.empty();
    const std::size_t advice = static_cast<std::size_t>(std::count_if(
        run.findings.begin(), run.findings.end(), [](const Seen& s) { return s.severity == Severity::advice; }));
    fmt::print(out, "    {}, seed {}: {}, {} advice\n", to_string(run.variant), run.seed,
               quiet ? "silent" : "FALSE ALARM", advice);
    print_findings(out, run, false);
  }
}

// How one published tool did on these cases.
struct Peer {
  std::int64_t identified = 0, of_identified = 0, localised = 0, of_localised = 0, found = 0, of_found = 0;
};

std::map<std::string, Peer> peers(const std::vector<const CaseScore*>& scores) {
  std::map<std::string, Peer> tools;
  for (const CaseScore* score : scores) {
    if (!score->of->scored || score->of->healthy()) continue;
    for (const auto& [tool, result] : score->of->published) {
      Peer& peer = tools[tool];
      peer.of_identified += result.identified.has_value() ? 1 : 0;
      peer.identified += result.identified.value_or(false) ? 1 : 0;
      peer.of_localised += result.localised.has_value() ? 1 : 0;
      peer.localised += result.localised.value_or(false) ? 1 : 0;
      peer.of_found += result.of.value_or(0);
      peer.found += result.found.value_or(0);
    }
  }
  return tools;
}

void print_benchmark(std::ostream& out, const std::string& name, const std::vector<const CaseScore*>& scores) {
  const Totals totals = add_up(scores);
  std::int64_t any_localised = 0;
  std::vector<std::int64_t> steps;
  for (const CaseScore* score : scores) {
    if (!score->of->scored || score->of->healthy()) continue;
    any_localised +=
        std::any_of(score->faults.begin(), score->faults.end(), [](const FaultScore& f) { return f.localised; });
    if (score->step) steps.push_back(*score->step);
  }
  std::sort(steps.begin(), steps.end());
  const std::string when = steps.empty() ? "-" : fmt::format("{}, at most {}", steps[steps.size() / 2], steps.back());
  fmt::print(out, "\n{}: {} cases\n", name, totals.cases);
  fmt::print(out, "  {:<22} {:>12} {:>12} {:>12} {:>12} {:>12}  {}\n", "", "programs", "programs", "faults", "faults",
             "faults", "first alarm");
  fmt::print(out, "  {:<22} {:>12} {:>12} {:>12} {:>12} {:>12}  {}\n", "tool", "identified", "localised", "localised",
             "explained", "found", "at step (median)");
  fmt::print(out, "  {:<22} {:>12} {:>12} {:>12} {:>12} {:>12}  {}\n", "Sonde",
             fraction(totals.identified, totals.programs), fraction(any_localised, totals.programs),
             fraction(totals.localised, totals.faults), fraction(totals.explained, totals.faults),
             fraction(totals.found, totals.faults), when);
  for (const auto& [tool, peer] : peers(scores)) {
    fmt::print(out, "  {:<22} {:>12} {:>12} {:>12} {:>12} {:>12}\n", tool,
               fraction(peer.identified, peer.of_identified), fraction(peer.localised, peer.of_localised), "", "",
               fraction(peer.found, peer.of_found));
  }
  fmt::print(out, "  false alarms {}, advice {} (median)\n", fraction(totals.false_alarms, totals.quiet_wanted),
             totals.advice_median);
}

}  // namespace

void print_rows(std::ostream& out, const std::vector<CaseScore>& scores) {
  fmt::print(
      out,
      "I identified, L localised, E explained; the worst of the seeds counts. A star: the tool also said where.\n");
  for (const CaseScore& score : scores) {
    const Case& of = *score.of;
    const bool all_localised =
        std::all_of(score.faults.begin(), score.faults.end(), [](const auto& f) { return f.localised; });
    const bool all_explained =
        std::all_of(score.faults.begin(), score.faults.end(), [](const auto& f) { return f.explained; });
    const std::string marks =
        of.healthy() ? "healthy" : mark(score.identified, 'I') + mark(all_localised, 'L') + mark(all_explained, 'E');
    fmt::print(out, "\n{:<32} {:<8}{}{}\n", of.id, marks, score.step ? fmt::format(" step {:<6}", *score.step) : "",
               of.scored ? "" : " (not scored)");
    fmt::print(out, "    {}; found by {}\n", of.title, of.healthy() ? "nobody, nothing to find" : found_by(of));
    if (!of.healthy()) print_buggy(out, score);
    print_quiet(out, score);
  }
}

void print_bare(std::ostream& out, const std::vector<CaseScore>& scores) {
  for (const CaseScore& score : scores) {
    for (const Trial& run : score.runs) {
      fmt::print(
          out, "{:<32} {:<8} seed {} steps {:>6} loss {:>10.4g} -> {:>10.4g} score {:>7.3f} {:>5.1f} s{}{} {}{}\n",
          score.of->id, to_string(run.variant), run.seed, run.steps, run.first_loss, run.last_loss, run.score,
          run.seconds, score.of->scored ? "" : " (not scored)", run.failure.empty() ? "" : " failed:", run.failure,
          run.stopped_by.substr(0, run.stopped_by.find('\n')));
    }
  }
}

void print_benchmarks(std::ostream& out, const std::vector<CaseScore>& scores) {
  std::map<std::string, std::vector<const CaseScore*>> by_benchmark;
  for (const CaseScore& score : scores) {
    for (const std::string& benchmark : score.of->benchmarks) by_benchmark[benchmark].push_back(&score);
  }
  for (const auto& [name, members] : by_benchmark) print_benchmark(out, name, members);
  fmt::print(out, "\npublished, on the whole of each set\n  {:<16} {:<20} {:>10} {:>10} {:>16}  {}\n", "tool", "set",
             "identified", "localised", "false alarms", "source");
  for (const PublishedHeadline& line : published_headlines()) {
    fmt::print(out, "  {:<16} {:<20} {:>10} {:>10} {:>16}  {}\n", line.tool, line.benchmark, line.identified,
               line.localised, line.false_alarms, line.source);
  }
}

std::string summary_line(const Totals& totals, double seconds) {
  return fmt::format(
      "faults: cases={} identified={}/{} localised={}/{} explained={}/{} false_alarms={}/{} advice_median={} "
      "seconds={:.0f}",
      totals.cases, totals.identified, totals.programs, totals.localised, totals.faults, totals.explained,
      totals.faults, totals.false_alarms, totals.quiet_wanted, totals.advice_median, seconds);
}

nlohmann::json to_json(const std::vector<CaseScore>& scores, double seconds) {
  std::vector<const CaseScore*> all;
  nlohmann::json cases = nlohmann::json::array();
  for (const CaseScore& score : scores) {
    all.push_back(&score);
    nlohmann::json faults = nlohmann::json::array();
    for (std::size_t i = 0; i < score.faults.size(); ++i) {
      const Fault& fault = score.of->faults[i];
      faults.push_back({{"fault", to_text(fault.answers.front())},
                        {"scored", fault.scored},
                        {"localised", score.faults[i].localised},
                        {"explained", score.faults[i].explained}});
    }
    nlohmann::json runs = nlohmann::json::array();
    for (const Trial& run : score.runs) {
      runs.push_back({{"variant", to_string(run.variant)},
                      {"seed", run.seed},
                      {"steps", run.steps},
                      {"first_loss", run.first_loss},
                      {"last_loss", run.last_loss},
                      {"score", run.score},
                      {"seconds", run.seconds},
                      {"failure", run.failure},
                      {"refused", run.refused},
                      {"stopped_by", run.stopped_by},
                      {"report", run.report}});
    }
    cases.push_back({{"id", score.of->id},
                     {"scored", score.of->scored},
                     {"benchmarks", score.of->benchmarks},
                     {"identified", score.identified},
                     {"faults", faults},
                     {"false_alarm", score.false_alarm},
                     {"advice", score.advice},
                     {"runs", runs}});
  }
  return {{"summary", summary_line(add_up(all), seconds)}, {"cases", cases}};
}

}  // namespace sonde::faults
