#include "analysis/diagnosis.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "analysis/rule_analyzer.h"

namespace sonde::analysis {
namespace {

constexpr std::size_t kCauses = 6;
constexpr std::size_t kEvidence = 5;
constexpr std::size_t kFollowers = 8;
constexpr std::size_t kContext = 10;
constexpr double kInferred = 0.7;

struct Case {
  double doubt = 1;
  double best = 0;
  const Suspect* place = nullptr;
  Phase phase = Phase::forward;
  std::map<Sign, double> by_sign;  // the strongest of each kind: echoes of one kind are not independent
  std::vector<std::string> evidence;
};

void gather(const Sighting& sighting, std::map<Cause, Case>& cases) {
  for (const Suspect& suspect : sighting.suspects) {
    Case& one = cases[suspect.cause];
    double& strongest = one.by_sign[sighting.sign];
    strongest = std::max(strongest, suspect.confidence);
    if (one.place == nullptr || suspect.confidence > one.best) {
      one.place = &suspect;
      one.best = suspect.confidence;
      one.phase = sighting.phase;
    }
    const bool told = std::ranges::find(one.evidence, suspect.evidence) != one.evidence.end();
    if (!suspect.evidence.empty() && !told && one.evidence.size() < kEvidence) one.evidence.push_back(suspect.evidence);
  }
}

struct Places {
  const Graph& graph;
  const trace::Catalog& catalog;

  [[nodiscard]] Location of(std::uint32_t site, Phase phase) const {
    Location location = graph.where(site, phase);
    location.source = catalog.site(site).source;
    return location;
  }
};

Location place_of(const Suspect& suspect, Phase phase, const Places& places) {
  if (suspect.part.empty()) return places.of(suspect.site, phase);
  Location location;
  location.part = suspect.part;
  location.phase = phase;
  return location;
}

Symptom symptom_of(const Sighting& sighting, const Places& places) {
  Symptom symptom;
  symptom.kind = sighting.topic.empty() || (sighting.sign != Sign::contract && sighting.sign != Sign::structure)
                     ? std::string(name_of(sighting.sign))
                     : sighting.topic;
  symptom.where = places.of(sighting.site, sighting.phase);
  if (!sighting.part.empty()) {
    symptom.where.part = sighting.part;
    symptom.where.layer.clear();
  }
  symptom.step = sighting.step;
  symptom.severity = sighting.severity;
  symptom.message = sighting.message;
  return symptom;
}

}  // namespace

Finding explain(const Incident& incident, const Run& run, const trace::Catalog& catalog,
                std::span<const Sighting> habits) {
  const Graph& graph = run.graph();
  const Places places{graph, catalog};
  Finding finding;
  finding.severity = severity_of(incident, run);
  finding.origin = symptom_of(incident.origin, places);
  finding.origin.severity = std::min(finding.origin.severity, finding.severity);
  finding.context = incident.origin.context;
  finding.last_step = incident.last_step;
  finding.followed_by_count = incident.follower_count;
  finding.followed_by_layers = incident.layers.size();

  std::map<Cause, Case> cases;
  gather(incident.origin, cases);
  for (const Sighting& follower : incident.followers) {
    // What a metric of a broken training shows says nothing of why it broke.
    if (follower.sign != Sign::metric_not_finite || incident.origin.sign != Sign::non_finite) gather(follower, cases);
    if (finding.followed_by.size() < kFollowers) finding.followed_by.push_back(symptom_of(follower, places));
    if (follower.sign == Sign::non_finite && incident.origin.sign != Sign::non_finite &&
        finding.context.size() < kContext) {
      finding.context.push_back(
          fmt::format("step {}: {} at {}", follower.step, follower.message, graph.name(follower.site)));
    }
  }
  for (const Sighting& habit : habits)
    if (explains(habit, incident)) gather(habit, cases);
  // A network that cannot learn makes small steps and a loss that stays: consequences, not causes.
  const auto cannot_learn = [](const Sighting& sighting) {
    return sighting.sign == Sign::vanishing_gradient || sighting.sign == Sign::dead_units ||
           sighting.sign == Sign::zero_gradient || sighting.sign == Sign::identical_units ||
           sighting.sign == Sign::constant_output;
  };
  if (cannot_learn(incident.origin) || std::ranges::any_of(incident.followers, cannot_learn)) {
    for (const Cause consequence : {Cause::learning_rate_too_low, Cause::labels_unrelated, Cause::too_few_epochs}) {
      const auto found = cases.find(consequence);
      if (found == cases.end()) continue;
      for (auto& [sign, confidence] : found->second.by_sign) confidence *= 0.4;
    }
  }
  Suspect eval{Cause::eval_mode_while_training, 0.95, 0, "loop",
               "the model has been in eval mode from the first step, and has layers that behave differently then"};
  if (finding.severity >= Severity::warning && run.always_in_eval_mode() && incident.origin.sign != Sign::contract) {
    Case& one = cases[eval.cause];
    one.place = &eval;
    one.by_sign[Sign::contract] = eval.confidence;
    one.evidence.push_back(eval.evidence);
  }
  if (finding.context.size() > kContext) finding.context.resize(kContext);
  const bool known = finding.severity >= Severity::warning && std::ranges::any_of(cases, [](const auto& entry) {
                       const auto contract = entry.second.by_sign.find(Sign::contract);
                       return contract != entry.second.by_sign.end() && contract->second > kInferred;
                     });
  for (auto& [cause, one] : cases) {
    for (const auto& [sign, confidence] : one.by_sign) one.doubt *= 1 - std::clamp(confidence, 0.0, 1.0);
    RankedCause ranked;
    ranked.cause = cause;
    ranked.confidence = std::min(0.98, 1 - one.doubt);
    // A broken rule of the loop is known, what follows from it only inferred.
    if (known && !one.by_sign.contains(Sign::contract)) ranked.confidence *= kInferred;
    ranked.where = place_of(*one.place, one.phase, places);
    ranked.evidence = std::move(one.evidence);
    ranked.fix = one.place->fix.empty() ? fix_for(cause, ranked.where.layer, run) : one.place->fix;
    finding.causes.push_back(std::move(ranked));
  }
  std::ranges::stable_sort(finding.causes,
                           [](const RankedCause& a, const RankedCause& b) { return a.confidence > b.confidence; });
  if (finding.causes.size() > kCauses) finding.causes.resize(kCauses);
  if (finding.causes.empty()) {
    RankedCause nothing;
    nothing.where = finding.origin.where;
    nothing.fix = fix_for(Cause::unknown, {}, run);
    finding.causes.push_back(std::move(nothing));
  }
  return finding;
}

}  // namespace sonde::analysis
