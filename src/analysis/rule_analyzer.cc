#include "analysis/rule_analyzer.h"

#include <algorithm>
#include <utility>

namespace sonde::analysis {
namespace {

constexpr std::size_t kHabits = 256;
constexpr std::size_t kFirstCauses = 3;

// Rules about the output keep the sign that the family of output and loss has.
Sign sign_of(const std::string& rule) {
  for (const Sign sign : {Sign::loss_mismatch, Sign::output_range, Sign::constant_output})
    if (rule == name_of(sign)) return sign;
  return Sign::structure;
}

Sighting sighting_of(const rules::Found& found, const Step& step, const Run& run) {
  const Violation& violation = found.violation;
  Sighting sighting;
  sighting.sign = sign_of(found.rule);
  if (sighting.sign == Sign::structure) sighting.topic = found.rule;
  sighting.severity = violation.severity;
  sighting.site = violation.operation;
  sighting.part = violation.part;
  sighting.phase = violation.phase;
  sighting.step = step.number();
  sighting.position = run.graph().depth(violation.operation);
  sighting.message = violation.message;
  sighting.context = violation.context;
  sighting.explains = found.explains;
  for (const Blame& blame : violation.causes)
    sighting.suspects.push_back(
        {blame.cause, blame.confidence, blame.operation, blame.part, blame.evidence, blame.fix});
  return sighting;
}

double confidence_of(const Sighting& sighting) {
  return sighting.suspects.empty() ? 0 : sighting.suspects.front().confidence;
}

unsigned shows(Sign sign) {
  switch (sign) {
    case Sign::loss_stuck:
    case Sign::loss_slow:
      return kStuck;
    case Sign::loss_diverging:
    case Sign::loss_oscillating:
    case Sign::exploding_activation:
    case Sign::exploding_gradient:
    case Sign::large_update:
    case Sign::non_finite:
      return kDiverging;
    case Sign::vanishing_gradient:
    case Sign::zero_gradient:
    case Sign::saturation:
    case Sign::dead_units:
    case Sign::identical_units:
    case Sign::small_update:
      return kFaint;
    default:
      return kNothing;
  }
}

}  // namespace

void RuleAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  // The first batches pool into one picture of the data; later only a program that changed is read again.
  const bool fresh =
      programs_.size() < kPrograms &&
      programs_.emplace(run.graph().size(), run.graph().prediction(), run.program().loss_operation).second;
  if (run.observed() > static_cast<std::uint64_t>(Scale::kPooled) && !fresh) return;
  model_ = rules::build_meta_model(
      {run.graph(), run.program(), run.reading(), run.outside(), step.tensors(), step.number(), run.loss().first()});
  std::vector<Sighting> advice;
  for (const rules::Found& found : rules::apply_rules(model_, choice_)) {
    Sighting sighting = sighting_of(found, step, run);
    const bool habit = sighting.severity == Severity::advice && sighting.sign == Sign::structure;
    (habit ? advice : seen).push_back(std::move(sighting));
  }
  place_advice(std::move(advice), seen);
}

void RuleAnalyzer::place_advice(std::vector<Sighting> advice, std::vector<Sighting>& seen) {
  std::map<std::string, double> strength;  // by rule
  for (const Sighting& one : advice) {
    double& most = strength[one.topic];
    most = std::max(most, confidence_of(one));
  }
  std::ranges::stable_sort(advice, [&](const Sighting& a, const Sighting& b) {
    return strength[a.topic] != strength[b.topic] ? strength[a.topic] > strength[b.topic]
                                                  : confidence_of(a) > confidence_of(b);
  });
  const auto worth = [&](const std::string& rule) { return strength[rule] >= kWorthTelling; };
  std::size_t waiting = 0;
  for (const auto& [rule, most] : strength) waiting += worth(rule) && !group_of_.contains(rule) ? 1 : 0;
  const bool few = group_of_.size() + waiting <= kTogether;
  for (Sighting& one : advice) {
    keep_habit(one);
    const std::string rule = one.topic;
    if (!worth(rule) && !choice_.all_habits && !group_of_.contains(rule)) continue;
    auto place = group_of_.find(rule);
    if (place == group_of_.end()) {
      const bool alone = worth(rule) && (few || alone_ < kAlone);
      alone_ += alone ? 1 : 0;
      place = group_of_.emplace(rule, alone ? rule : "habits").first;
    }
    one.group = place->second;
    seen.push_back(std::move(one));
  }
}

void RuleAnalyzer::keep_habit(const Sighting& sighting) {
  if (sighting.explains == kNothing || habits_.size() >= kHabits) return;
  const bool known = std::ranges::any_of(habits_, [&](const Sighting& habit) {
    return habit.topic == sighting.topic && habit.site == sighting.site && habit.part == sighting.part;
  });
  if (!known) habits_.push_back(sighting);
}

bool explains(const Sighting& habit, const Incident& incident) {
  if (habit.explains == kNothing) return false;
  return (habit.explains & shows(incident.origin.sign)) != 0 ||
         std::ranges::any_of(incident.followers,
                             [&](const Sighting& follower) { return (habit.explains & shows(follower.sign)) != 0; });
}

bool is_habit(const Incident& incident) {
  const auto habit = [](const Sighting& sighting) {
    return sighting.sign == Sign::structure && sighting.severity == Severity::advice;
  };
  return habit(incident.origin) && std::ranges::all_of(incident.followers, habit);
}

bool told_by(const Incident& advice, std::span<const Finding> findings) {
  const auto told = [&](const Sighting& sighting) {
    if (sighting.explains == kNothing || sighting.suspects.empty()) return false;
    const Suspect& suspect = sighting.suspects.front();
    return std::ranges::any_of(findings, [&](const Finding& finding) {
      const auto first = std::span(finding.causes).first(std::min(finding.causes.size(), kFirstCauses));
      return std::ranges::any_of(first, [&](const RankedCause& ranked) {
        const auto& lines = ranked.evidence;
        return ranked.cause == suspect.cause && std::ranges::find(lines, suspect.evidence) != lines.end();
      });
    });
  };
  return told(advice.origin) && std::ranges::all_of(advice.followers, told);
}

}  // namespace sonde::analysis
