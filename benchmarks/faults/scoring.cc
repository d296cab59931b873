#include "faults/scoring.h"

#include <algorithm>

namespace sonde::faults {
namespace {

constexpr std::size_t kCausesThatCount = 3;

std::string last_component(const std::string& path) { return path.substr(path.rfind('.') + 1); }

bool is_layer(const std::string& path, const std::string& name) { return path == name || last_component(path) == name; }

// A layer that is called as a function has no name that a monitor could know: the place is then the layer with
// parameters that it follows.
std::string visible_name(const std::string& name, const std::vector<LayerSpec>& model) {
  std::string before;
  for (const LayerSpec& layer : model) {
    if (layer.name == name) return layer.functional && !before.empty() ? before : name;
    if (layer.in > 0) before = layer.name;
  }
  return name;
}

bool alarming(const Seen& seen) { return seen.severity >= Severity::warning; }

std::size_t alarms(const Trial& run) {
  const auto count = std::count_if(run.findings.begin(), run.findings.end(), alarming);
  return static_cast<std::size_t>(count) + (run.refused.empty() ? 0 : 1);
}

// The step of the earliest alarm, if there is one.
std::optional<std::int64_t> first_alarm(const Trial& run) {
  if (!run.refused.empty()) return 0;
  std::optional<std::int64_t> step;
  for (const Seen& seen : run.findings) {
    if (alarming(seen)) step = std::min(step.value_or(seen.step), seen.step);
  }
  return step;
}

}  // namespace

std::string_view to_string(Variant variant) noexcept {
  return variant == Variant::healthy ? "healthy" : variant == Variant::buggy ? "buggy" : "patched";
}

bool names(const Place& place, const Where& where, const std::vector<LayerSpec>& model) {
  if (!where.part.empty()) return place.part == where.part;
  if (place.layer.empty()) return false;
  return is_layer(place.layer, where.layer) || is_layer(place.layer, visible_name(where.layer, model));
}

FaultScore score_fault(const Fault& fault, const std::vector<Seen>& findings, const std::vector<LayerSpec>& model) {
  FaultScore score;
  for (const Seen& seen : findings) {
    const std::size_t count = std::min(seen.causes.size(), kCausesThatCount);
    for (const Answer& answer : fault.answers) {
      if (names(seen.where, answer.where, model)) score.localised = true;
      for (std::size_t i = 0; i < count; ++i) {
        if (names(seen.causes[i].where, answer.where, model)) score.localised = true;
        if (!answer.cause.empty() && seen.causes[i].cause == answer.cause) score.explained = true;
      }
    }
  }
  return score;
}

CaseScore score_case(const Case& of, std::vector<Trial> runs) {
  CaseScore score;
  score.of = &of;
  score.identified = !of.healthy();
  score.faults.assign(of.faults.size(), {true, true});
  for (const Trial& run : runs) {
    if (run.variant != Variant::buggy) {
      score.false_alarm = score.false_alarm || alarms(run) > 0 || !run.failure.empty();
      const auto advice =
          std::count_if(run.findings.begin(), run.findings.end(), [](const Seen& s) { return !alarming(s); });
      score.advice = std::max(score.advice, static_cast<std::size_t>(advice));
      continue;
    }
    score.identified = score.identified && alarms(run) > 0;
    if (const auto step = first_alarm(run)) score.step = std::max(score.step.value_or(0), *step);
    for (std::size_t i = 0; i < of.faults.size(); ++i) {
      const FaultScore one = score_fault(of.faults[i], run.findings, of.program.model);
      score.faults[i].localised = score.faults[i].localised && one.localised;
      score.faults[i].explained = score.faults[i].explained && one.explained;
    }
  }
  score.runs = std::move(runs);
  return score;
}

Totals add_up(const std::vector<const CaseScore*>& scores) {
  Totals totals;
  std::vector<std::size_t> advice;
  for (const CaseScore* score : scores) {
    ++totals.cases;
    if (!score->of->scored) continue;
    ++totals.quiet_wanted;
    totals.false_alarms += score->false_alarm ? 1 : 0;
    advice.push_back(score->advice);
    if (score->of->healthy()) continue;
    ++totals.programs;
    totals.identified += score->identified ? 1 : 0;
    for (std::size_t i = 0; i < score->faults.size(); ++i) {
      if (!score->of->faults[i].scored) continue;
      ++totals.faults;
      totals.localised += score->faults[i].localised ? 1 : 0;
      totals.explained += score->faults[i].explained ? 1 : 0;
      totals.found += score->faults[i].found() ? 1 : 0;
    }
  }
  std::sort(advice.begin(), advice.end());
  if (!advice.empty()) {
    const std::size_t half = advice.size() / 2;
    totals.advice_median = advice.size() % 2 == 1 ? static_cast<double>(advice[half])
                                                  : static_cast<double>(advice[half - 1] + advice[half]) / 2;
  }
  return totals;
}

}  // namespace sonde::faults
