#include <map>
#include <string>

#include <fmt/format.h>

#include "analysis/units.h"

namespace sonde::analysis {

using trace::Record;

namespace {

// Every unit of the weight has the same largest magnitude, and it is being trained.
bool equal_rows(const Step& step, const Record& weight) {
  if (weight.tensor.units < 2 || weight.tensor.aux != 0 || non_finite(weight.tensor)) return false;
  // Two units that mirror each other (a two-class head started at zero) have equal magnitudes too.
  const bool mirrored = weight.tensor.units == 2 && weight.tensor.min == -weight.tensor.max && weight.tensor.max > 0;
  return !mirrored && step.stats(weight.site, Phase::gradient) != nullptr;
}

}  // namespace

void IdenticalUnitsAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const Graph& graph = run.graph();
  std::map<std::string, const Record*> equal;  // weights by layer
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::weight || graph.site(record.site).shape.size() < 2) continue;
    if (equal_rows(step, record)) {
      equal.emplace(graph.site(record.site).layer, &record);
    } else {
      states_.erase(record.site);
    }
  }
  for (const Record& record : step.tensors()) {
    const trace::Site& site = graph.site(record.site);
    if (record.phase != Phase::forward || !site.layer_owns || !mixes(site.op_class)) continue;
    const auto weight = equal.find(site.layer);
    if (weight == equal.end()) continue;
    State& state = states_[weight->second->site];
    if (record.tensor.aux != 0 || record.tensor.units < 2) {
      state = {};
      continue;
    }
    if (state.steps++ == 0) state.moving = run.moving_passes();
    if (state.steps < kSteps || run.moving_passes() - state.moving + 1 < kSteps) continue;
    const bool zero = all_zero(weight->second->tensor);
    Sighting sighting;
    sighting.sign = Sign::identical_units;
    sighting.severity = Severity::warning;
    sighting.site = record.site;
    sighting.step = step.number();
    sighting.position = record.position;
    sighting.message =
        fmt::format("all {} units of {} have the same weights{} and the same output on {} observed steps",
                    record.tensor.units, graph.name(record.site), zero ? " (zero)" : "", state.steps);
    sighting.suspects.push_back({Cause::bad_initialization,
                                 0.95,
                                 record.site,
                                 {},
                                 zero ? "its weights started at zero, and no gradient moves them"
                                      : "its weights started equal, and equal gradients keep them so"});
    seen.push_back(std::move(sighting));
  }
}

}  // namespace sonde::analysis
