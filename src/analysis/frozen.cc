#include "analysis/frozen.h"

#include <algorithm>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::Record;

void FrozenLayerAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const Graph& graph = run.graph();
  bool fresh = false;
  for (const Record& record : step.others()) {
    if (record.kind != trace::RecordKind::contract || record.contract.what != trace::Contract::parameter_frozen)
      continue;
    if (graph.site(record.site).shape.size() < 2) continue;
    frozen_.push_back(record.site);
    fresh = true;
  }
  if (!fresh) return;
  std::vector<std::uint32_t> trained;  // depths
  for (const std::uint32_t weight : run.weights()) {
    if (run.series().find(weight, Phase::gradient) != nullptr) trained.push_back(graph.depth(weight));
  }
  if (trained.empty()) return;
  const auto all = static_cast<double>(trained.size() + frozen_.size());
  if (static_cast<double>(frozen_.size()) > kMinority * all) return;
  const auto [first, last] = std::ranges::minmax(trained);
  for (const std::uint32_t weight : frozen_) {
    const std::uint32_t depth = graph.depth(weight);
    if (depth <= first || depth >= last) continue;
    Sighting sighting;
    sighting.sign = Sign::contract;
    sighting.topic = "parameter-frozen";
    sighting.severity = Severity::warning;
    sighting.site = weight;
    sighting.phase = Phase::weight;
    sighting.step = step.number();
    sighting.position = depth;
    sighting.message =
        fmt::format("{} requires no gradient, while layers before and after it learn", graph.name(weight));
    sighting.suspects.push_back({Cause::frozen_parameter, 0.85, weight, {}, sighting.message});
    seen.push_back(std::move(sighting));
  }
}

}  // namespace sonde::analysis
