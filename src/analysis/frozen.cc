#include "analysis/frozen.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::Record;

namespace {

Sighting sighting_of(std::uint32_t weight) {
  Sighting sighting;
  sighting.sign = Sign::contract;
  sighting.topic = kFrozenLayer;
  sighting.site = weight;
  sighting.phase = Phase::weight;
  return sighting;
}

// True for values spread evenly up to 1 / sqrt(fan-in), as LibTorch's layers are made: a trained weight leaves that range.
bool looks_untrained(const Step& step, const Graph& graph, std::uint32_t weight) {
  constexpr std::uint64_t kEnough = 64;  // elements
  const trace::TensorStats* stats = step.stats(weight, Phase::weight);
  const std::vector<std::int64_t>& shape = graph.site(weight).shape;
  if (stats == nullptr || stats->count < kEnough || shape.size() < 2) return false;
  double fan_in = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  const double bound = 1 / std::sqrt(fan_in);
  const double largest = std::max(stats->max, -stats->min);
  const double spread = std::sqrt(stats->mean_square) * std::sqrt(3.0) / bound;
  return largest <= bound * (1 + 1e-5) && largest > 0.95 * bound && std::abs(spread - 1) < 0.1;
}

bool narrows(const std::vector<std::int64_t>& shape) {
  std::int64_t fan_in = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= shape[i];
  return shape[0] < fan_in;
}

}  // namespace

void FrozenLayerAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const Graph& graph = run.graph();
  bool fresh = false;
  for (const Record& record : step.others()) {
    if (record.kind != trace::RecordKind::contract || record.contract.what != trace::Contract::parameter_frozen)
      continue;
    if (graph.site(record.site).shape.size() < 2) continue;
    if ((record.flags & trace::kWithdrawn) != 0) {  // unfrozen
      std::erase_if(frozen_, [&](const Frozen& one) { return one.weight == record.site; });
      seen.push_back(sighting_of(record.site));
      seen.back().withdrawn = true;
      continue;
    }
    if (std::ranges::find(frozen_, record.site, &Frozen::weight) != frozen_.end()) continue;
    frozen_.push_back({record.site, record.contract.got != 0});
    fresh = true;
  }
  if (!fresh) return;
  std::vector<std::uint32_t> trained;  // depths
  for (const std::uint32_t weight : run.weights()) {
    if (run.series().find(weight, Phase::gradient) != nullptr) trained.push_back(graph.depth(weight));
  }
  if (trained.empty()) return;
  const auto all = static_cast<double>(trained.size() + frozen_.size());
  const bool minority = static_cast<double>(frozen_.size()) <= kMinority * all;
  const auto [first, last] = std::ranges::minmax(trained);
  for (const auto& [weight, optimized] : frozen_) {
    const std::uint32_t depth = graph.depth(weight);
    const bool between = depth > first && depth < last;
    const bool untrained = optimized && depth < last && looks_untrained(step, graph, weight);
    if (!(between && minority) && !untrained) continue;
    Sighting sighting = sighting_of(weight);
    // Random features are a method where they are many; a few random sums of the inputs lose most of them.
    sighting.severity =
        (between && minority) || narrows(graph.site(weight).shape) ? Severity::warning : Severity::advice;
    sighting.step = step.number();
    sighting.position = depth;
    sighting.message =
        untrained ? fmt::format("{} requires no gradient and still has the random values that it was made with",
                                graph.name(weight))
                  : fmt::format("{} requires no gradient, while layers before and after it learn", graph.name(weight));
    sighting.suspects.push_back({Cause::frozen_parameter, 0.85, weight, {}, sighting.message});
    seen.push_back(std::move(sighting));
  }
}

}  // namespace sonde::analysis
