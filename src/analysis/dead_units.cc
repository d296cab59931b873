#include <algorithm>

#include <fmt/format.h>

#include "analysis/units.h"

namespace sonde::analysis {

using trace::OpClass;
using trace::Record;

void DeadUnitsAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const Graph& graph = run.graph();
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::forward || record.tensor.units == 0) continue;
    if (graph.site(record.site).op_class != OpClass::rectifier) continue;
    const trace::TensorStats& stats = record.tensor;
    Life& life = lives_[record.site];
    const double units = stats.units;
    const double silent = stats.silent_units / units;
    const double dead = stats.dead_units / units;
    if (life.born_silent < 0) life.born_silent = silent;
    const bool most = silent >= kMost;
    if (most && life.steps == 0) {
      life.since = step.number();
      life.update_before = run.typical_update(2);
    }
    life.steps = most ? life.steps + 1 : 0;
    life.values = most ? life.values + static_cast<double>(stats.count) / units : 0;
    if (!most) life.before = silent;
    if (life.steps < kSteps || life.values < kValuesPerUnit) continue;

    // With every unit silent no gradient gets below; a way around the layer (a residual) shows in the gradient.
    const std::uint32_t operand = graph.operand(record.site);
    const trace::TensorStats* below = operand == 0 ? nullptr : step.stats(operand, Phase::backward);
    const bool cut = stats.silent_units == stats.units && below != nullptr && all_zero(*below);
    if (!cut && (run.improved_since(life.since) || dead < kMost)) continue;
    const bool output = graph.is_output(record.site);
    Sighting sighting;
    sighting.sign = Sign::dead_units;
    sighting.severity = cut ? Severity::error : Severity::warning;
    sighting.revocable = true;
    sighting.site = record.site;
    sighting.step = life.since;
    sighting.position = record.position;
    const bool from_start = life.born_silent >= kMost;
    const bool at_once = !from_start && life.before < 0.5;
    sighting.message = fmt::format("{} of {} units of {} are zero for every sample of {} observed steps",
                                   stats.silent_units, stats.units, graph.name(record.site), life.steps);
    if (from_start) {
      sighting.context.push_back("they were so from the first step");
    } else if (at_once) {
      sighting.context.push_back(
          fmt::format("they died at once, at step {} (share before: {}); typical relative update then {}", life.since,
                      percent(life.before), number(life.update_before)));
    } else {
      sighting.context.push_back(fmt::format("they died one after another until step {}", life.since));
    }
    const std::uint32_t layer = operand == 0 ? record.site : operand;
    if (output) {
      sighting.suspects.push_back({Cause::wrong_output_activation,
                                   0.85,
                                   record.site,
                                   {},
                                   "the output passes through a rectifier, which has no slope below zero"});
    }
    if (from_start) {
      sighting.suspects.push_back({Cause::bad_initialization,
                                   0.85,
                                   layer,
                                   {},
                                   "dead before the first update: weights or bias keep it below zero"});
    } else {
      sighting.suspects.push_back({Cause::learning_rate_too_high, at_once ? 0.8 : 0.7, 0, "optimizer",
                                   fmt::format("{} silent units of {} at the start, {} now", percent(life.born_silent),
                                               graph.name(record.site), percent(silent))});
    }
    sighting.suspects.push_back(
        {Cause::wrong_activation, 0.4, record.site, {}, "a rectifier with a slope below zero cannot die"});
    seen.push_back(std::move(sighting));
  }
}

}  // namespace sonde::analysis
