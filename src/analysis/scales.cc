#include "analysis/scales.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "rules/loss_reading.h"

namespace sonde::analysis {

using trace::OpClass;

namespace {

// True if what the input meets first brings it to scale, or only looks it up.
bool made_harmless(const Graph& graph, std::uint32_t input) {
  const auto first = [&graph](std::uint32_t from) {
    return graph.nearest_after(
        from, [](const trace::Site& site) { return !passes_on(site.op_class) && site.op_class != OpClass::pooling; });
  };
  const std::uint32_t meets = first(input);
  if (meets == 0) return false;
  const OpClass op_class = graph.site(meets).op_class;
  if (op_class == OpClass::normalization || op_class == OpClass::embedding) return true;
  const std::uint32_t then = mixes(op_class) ? first(meets) : 0;
  return then != 0 && graph.site(then).op_class == OpClass::normalization;
}

// True if a layer takes it as its data, and nothing else enters the network (tokens that are looked up, a second input).
bool is_only_input(const Graph& graph, std::uint32_t input) {
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const OpClass op_class = graph.site(id).op_class;
    if (op_class == OpClass::embedding || op_class == OpClass::recurrent) return false;
  }
  const std::uint32_t first = graph.nearest_after(input, [](const trace::Site& site) { return mixes(site.op_class); });
  if (first == 0) return false;
  // All weight layers lie behind the first one that reads it.
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    if (id != first && mixes(graph.site(id).op_class) && !graph.reaches(first, id)) return false;
  }
  return true;
}

}  // namespace

void InputScaleAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const Scale& input = run.input();
  if (!step.observed() || !input.known || made_harmless(run.graph(), input.site)) return;
  const bool large = input.rms > kLarge;
  const bool off_centre = std::abs(input.mean) > kOffset && std::abs(input.mean) > kOffCentre * input.deviation;
  const bool small = input.rms > 0 && input.rms < kSmall;
  // States that start at zero are inputs too, of cells or beside tokens.
  const bool constant =
      input.deviation == 0 && (input.rms > 0 || (input.batches > 1 && is_only_input(run.graph(), input.site)));
  if (!large && !off_centre && !small && !constant) return;
  Sighting sighting;
  sighting.sign = Sign::input_scale;
  sighting.severity = Severity::advice;
  sighting.site = input.site;
  sighting.part = "data";
  sighting.phase = Phase::input;
  sighting.step = 0;
  sighting.message = fmt::format("the input is {} +- {} in [{}, {}]", number(input.mean), number(input.deviation),
                                 number(input.min), number(input.max));
  if (constant) {
    if (input.rms == 0) sighting.severity = Severity::warning;
    sighting.suspects.push_back(
        {Cause::input_constant, 0.8, input.site, "data", "every value of the input is the same"});
  } else {
    const double confidence = std::clamp(0.5 + 0.1 * std::log10(std::max(input.rms, 1 / input.rms)) * 2, 0.5, 0.9);
    sighting.suspects.push_back({Cause::input_not_normalized, confidence, input.site, "data",
                                 fmt::format("RMS {}, mean over deviation {}", number(input.rms),
                                             number(std::abs(input.mean) / input.deviation))});
  }
  seen.push_back(std::move(sighting));
}

void TargetScaleAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const Scale& target = run.target();
  const LossReading& reading = run.reading();
  if (!step.observed() || !target.known || (reading.kind != LossKind::mse && reading.kind != LossKind::mae)) return;
  if (!(target.rms > kLarge)) return;
  Sighting sighting;
  sighting.sign = Sign::target_scale;
  sighting.severity = Severity::advice;
  sighting.site = target.site;
  sighting.part = "labels";
  sighting.phase = Phase::input;
  sighting.message = fmt::format("the target is {} +- {} in [{}, {}]", number(target.mean), number(target.deviation),
                                 number(target.min), number(target.max));
  sighting.suspects.push_back({Cause::target_not_normalized, 0.7, target.site, "labels", sighting.message});
  const trace::TensorStats* prediction = step.stats(run.graph().prediction(), Phase::forward);
  if (prediction != nullptr && run.passes() >= kPatience && rms(*prediction) < kOutOfReach * target.rms &&
      !run.loss().improved_since(0, 0.5)) {
    sighting.severity = Severity::warning;
    sighting.revocable = true;
    sighting.step = step.number();
    sighting.suspects.front().confidence = 0.92;
    sighting.suspects.front().evidence = fmt::format("after {} passes the predictions have RMS {}, the targets {}",
                                                     run.passes(), number(rms(*prediction)), number(target.rms));
    sighting.suspects.push_back(
        {Cause::learning_rate_too_low, 0.4, 0, "optimizer", "the output moves too little a step to get there"});
  }
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
