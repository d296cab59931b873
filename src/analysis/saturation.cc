#include <algorithm>

#include <fmt/format.h>

#include "analysis/units.h"

namespace sonde::analysis {

using trace::OpClass;
using trace::Record;

void SaturationAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  const Graph& graph = run.graph();
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::forward || graph.site(record.site).op_class != OpClass::saturating) continue;
    if (graph.is_output(record.site) || graph.in_loss(record.site)) continue;
    Series& beyond = beyond_[record.site];
    beyond.add(step.number(), record.tensor.beyond);
    if (beyond.count() < kSamples) continue;
    const double now = beyond.recent_median(kSamples);
    if (now < kMost || run.improved_since(0)) continue;
    const double start = beyond.first().value;
    const std::uint32_t operand = graph.operand(record.site);
    const std::uint32_t layer = operand == 0 ? record.site : operand;
    Sighting sighting;
    sighting.sign = Sign::saturation;
    sighting.severity = Severity::warning;
    sighting.revocable = true;
    sighting.site = record.site;
    sighting.step = start >= kMost ? beyond.first().step : step.number();
    sighting.position = record.position;
    sighting.message = fmt::format("{} of the outputs of {} lie in its flat tails (at the first step {})", percent(now),
                                   graph.name(record.site), percent(start));
    if (start >= 0.5 * kMost) {
      // Which of the two is told by the input of the layer before: its weights or its input are too large.
      const std::uint32_t before = graph.operand(layer);
      const trace::TensorStats* fed = before == 0 ? nullptr : step.stats(before, Phase::forward);
      const double scale = fed != nullptr ? rms(*fed) : (run.input().known ? run.input().rms : 1);
      if (scale > 5) {
        sighting.suspects.push_back(
            {Cause::input_not_normalized, 0.85, 0, "data",
             fmt::format("what {} gets has RMS {}, saturated from the first step", graph.name(layer), number(scale))});
        sighting.suspects.push_back({Cause::missing_normalization, 0.5, 0, "model", {}});
      } else {
        sighting.suspects.push_back(
            {Cause::bad_initialization,
             0.8,
             layer,
             {},
             fmt::format("saturated from the first step although its input has RMS {}", number(scale))});
      }
      sighting.suspects.push_back({Cause::wrong_activation, 0.35, record.site, {}, {}});
    } else {
      sighting.suspects.push_back({Cause::learning_rate_too_high, 0.75, 0, "optimizer",
                                   fmt::format("saturation grew from {} to {}; relative update {}", percent(start),
                                               percent(now), number(run.typical_update()))});
      sighting.suspects.push_back({Cause::missing_normalization, 0.5, 0, "model", {}});
    }
    seen.push_back(std::move(sighting));
  }
}

}  // namespace sonde::analysis
