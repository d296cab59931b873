#include <fmt/format.h>

#include "analysis/units.h"

namespace sonde::analysis {

using trace::Record;

void IdenticalUnitsAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const Graph& graph = run.graph();
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::forward || record.tensor.units < 2 || record.tensor.aux != 0) continue;
    if (!mixes(graph.site(record.site).op_class)) continue;
    const trace::TensorStats* back = step.stats(record.site, Phase::backward);
    State& state = states_[record.site];
    // A layer of zeros on a branch of its own may wait for the other branch; one that gets no gradient never moves.
    // Two units that mirror each other (a two-class output started at zero) have equal magnitudes too.
    const bool mirrored = record.tensor.units == 2 && record.tensor.min == -record.tensor.max && record.tensor.max > 0;
    const bool same = back != nullptr && back->aux == 0 && !mirrored && !non_finite(record.tensor);
    if (!same) {
      state = {};
      continue;
    }
    if (state.steps++ == 0) state.moving = run.moving_passes();
    if (state.steps < kSteps || run.moving_passes() - state.moving + 1 < kSteps) continue;
    const bool zero = all_zero(record.tensor);
    Sighting sighting;
    sighting.sign = Sign::identical_units;
    sighting.severity = Severity::warning;
    sighting.site = record.site;
    sighting.step = step.number();
    sighting.position = record.position;
    sighting.message = fmt::format("all {} units of {} have the same output{} and the same gradient on {} observed steps",
                                   record.tensor.units, graph.name(record.site), zero ? " (zero)" : "", state.steps);
    sighting.suspects.push_back({Cause::bad_initialization, 0.95, record.site, {},
                                 zero ? "its weights started at zero, and no gradient moves them apart"
                                      : "its weights started equal, and equal gradients keep them so"});
    seen.push_back(std::move(sighting));
  }
  std::erase_if(states_, [&step](const auto& entry) {
    const trace::TensorStats* now = step.stats(entry.first, Phase::forward);
    return now != nullptr && now->aux != 0;
  });
}

}  // namespace sonde::analysis
