#include "analysis/sizes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::Record;

void UpdateSizeAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed() || run.observed() <= kSamples || run.improved_since(0)) return;
  const double typical = run.typical_update(kSamples);
  const bool small = typical < kSmall && run.loss().count() >= kPatience;
  if (!(typical > 0) || (typical < kLarge && !small)) return;
  std::uint32_t largest_site = 0;
  double largest = 0;
  for (const std::uint32_t weight : run.weights()) {
    const double update = run.relative_update(weight, kSamples);
    if (update > largest) largest = update, largest_site = weight;
  }
  const bool large = typical >= kLarge;
  const bool standstill = !large && run.no_better_than_constant() && run.hardly_moved();
  Sighting sighting;
  sighting.sign = large ? Sign::large_update : Sign::small_update;
  sighting.severity = large || standstill ? Severity::warning : Severity::advice;
  sighting.revocable = true;
  sighting.site = largest_site;
  sighting.topic = "typical";
  sighting.part = "optimizer";
  sighting.phase = Phase::update;
  sighting.step = step.number();
  sighting.message = fmt::format("an update changes a typical weight by {} of its size; the most {} by {}",
                                 number(typical), run.graph().name(largest_site), number(largest));
  sighting.suspects.push_back({large ? Cause::learning_rate_too_high : Cause::learning_rate_too_low, large ? 0.75 : 0.6,
                               0, "optimizer",
                               fmt::format("{} at a rate of {}", sighting.message, number(run.learning_rate()))});
  seen.push_back(std::move(sighting));
}

void ActivationSizeAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed() || run.observed() < kSamples || run.improved_since(0)) return;
  const Graph& graph = run.graph();
  const double input = run.input().known ? std::max(1.0, run.input().rms) : 1;
  const Record* first = nullptr;
  bool grown = false;
  for (const Record& record : step.tensors()) {
    if (record.phase != Phase::forward || graph.in_loss(record.site)) continue;
    // A single number is a loss, or a term of it, also where no prediction was recognised.
    if (record.tensor.count == 1 && graph.site(record.site).shape.empty()) continue;
    const Series* series = run.series().find(record.site, Phase::forward);
    if (series == nullptr || series->count() < kSamples) continue;
    const bool huge = series->recent_median(kSamples) > kHuge * input && series->first().value > kHuge * input;
    const bool grew = series->growth(kSamples) > kGrown && run.peak_update().value > 0.05;
    if ((huge || grew) && (first == nullptr || record.position < first->position)) {
      first = &record;
      grown = !huge;
    }
  }
  if (first == nullptr) return;
  const Series& series = *run.series().find(first->site, Phase::forward);
  const trace::OpClass op_class = graph.site(first->site).op_class;
  Sighting sighting;
  sighting.sign = Sign::exploding_activation;
  sighting.severity = Severity::warning;
  sighting.revocable = true;
  sighting.site = first->site;
  sighting.step = step.number();
  sighting.position = first->position;
  sighting.message =
      fmt::format("the output of {} has RMS {}, {} at the first step; the input of the network {}",
                  graph.name(first->site), number(series.last().value), number(series.first().value), number(input));
  if (grown) {
    sighting.suspects.push_back({Cause::learning_rate_too_high, 0.75, 0, "optimizer",
                                 fmt::format("it grew {} times while updates reached {} of the weights",
                                             number(series.growth(kSamples)), number(run.peak_update().value))});
  } else if (mixes(op_class)) {
    sighting.suspects.push_back({Cause::bad_initialization, 0.8, first->site, {}, sighting.message});
    sighting.suspects.push_back({Cause::missing_normalization, 0.5, 0, "model", {}});
  } else {
    sighting.suspects.push_back({Cause::wrong_activation, 0.8, first->site, {}, sighting.message});
    sighting.suspects.push_back({Cause::missing_normalization, 0.4, 0, "model", {}});
  }
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
