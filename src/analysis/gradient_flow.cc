#include "analysis/gradient_flow.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include "analysis/robust.h"

namespace sonde::analysis {

using trace::OpClass;
using trace::Record;

namespace {

struct Hop {
  std::uint32_t site = 0;
  std::uint32_t position = 0;
};

// Forward operations of the step that got a gradient, from the loss to the input.
std::vector<Hop> backward_path(const Step& step, const Graph& graph) {
  std::vector<Hop> hops;
  for (const Record& record : step.tensors()) {
    if (record.phase == Phase::backward && record.site != 0 && !graph.in_loss(record.site)) {
      hops.push_back({record.site, graph.depth(record.site)});
    }
  }
  std::ranges::sort(hops, [](const Hop& a, const Hop& b) {
    return a.position != b.position ? a.position > b.position : a.site > b.site;
  });
  return hops;
}

bool hidden_activation(const trace::Site& site) {
  return site.op_class == OpClass::saturating || site.op_class == OpClass::rectifier ||
         site.op_class == OpClass::activation;
}

// What is left of the size that a typical weight matrix started with.
double weights_left(const Run& run) {
  std::vector<double> shares;
  for (const std::uint32_t weight : run.weights()) {
    const Series* series = run.series().find(weight, Phase::weight);
    if (series != nullptr && series->first().value > 0) shares.push_back(series->last().value / series->first().value);
  }
  return median(std::move(shares));
}

}  // namespace

void GradientFlowAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (!step.observed()) return;
  flow(step, run, seen);
  growth(step, run, seen);
}

void GradientFlowAnalyzer::flow(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const Graph& graph = run.graph();
  const std::vector<Hop> hops = backward_path(step, graph);
  if (hops.size() < 3) return;
  // Below the output's own activation: what that takes away is told by the checks of the output.
  const std::uint32_t prediction = graph.prediction();
  const trace::TensorStats* top =
      hidden_activation(graph.site(prediction)) ? step.stats(graph.operand(prediction), Phase::backward) : nullptr;
  if (top == nullptr) top = step.stats(prediction, Phase::backward);
  if (top == nullptr) top = step.stats(hops.front().site, Phase::backward);
  const double at_prediction = rms(*top);
  if (!(at_prediction > 0)) return;

  // log of the gradient that is left when it has passed the activations after a site, along the best path.
  std::unordered_map<std::uint32_t, double> left;
  // By layer, because a layer that is used over and over (in time) learns from where most of the gradient arrives.
  struct Arrival {
    double left = -std::numeric_limits<double>::infinity();
    double size = 0;
    std::uint32_t site = 0;
  };
  std::map<std::string, Arrival> layers;
  double strongest = 0;
  std::uint32_t strongest_site = 0;
  for (const Hop& hop : hops) {
    double best = -std::numeric_limits<double>::infinity();
    for (const std::uint32_t consumer : graph.consumers(hop.site)) {
      const auto above = left.find(consumer);
      if (above == left.end()) continue;
      double passed = above->second;
      if (hidden_activation(graph.site(consumer)) && graph.operand(consumer) == hop.site) {
        const double out = rms(*step.stats(consumer, Phase::backward));
        const double in = rms(*step.stats(hop.site, Phase::backward));
        if (out > 0 && in > 0) {
          attenuation_[consumer].add(step.number(), in / out);
          passed += std::min(0.0, std::log(in / out));
        }
      }
      best = std::max(best, passed);
    }
    left[hop.site] = std::isinf(best) ? 0 : best;
    if (!mixes(graph.site(hop.site).op_class)) continue;
    const double here = rms(*step.stats(hop.site, Phase::backward));
    if (here > strongest) strongest = here, strongest_site = hop.site;
    Arrival& arrival = layers[graph.site(hop.site).layer];
    arrival.left = std::max(arrival.left, left[hop.site]);
    if (here > arrival.size) arrival.size = here, arrival.site = hop.site;
  }
  double worst = 0;
  double faintest = at_prediction;
  std::uint32_t faintest_site = 0;
  for (const auto& [layer, arrival] : layers) {
    worst = std::min(worst, arrival.left);
    if (arrival.size > 0 && arrival.size < faintest) faintest = arrival.size, faintest_site = arrival.site;
  }
  activations_.add(step.number(), std::exp(worst));
  total_.add(step.number(), faintest / at_prediction);
  if (total_.count() < kSamples || run.improved_since(0)) return;

  const double through_activations = activations_.recent_median(kSamples);
  const double total = total_.recent_median(kSamples);
  std::vector<std::pair<double, std::uint32_t>> weak;
  for (const auto& [site, series] : attenuation_) {
    if (const double median = series.recent_median(kSamples); median < 0.5) weak.emplace_back(median, site);
  }
  std::ranges::sort(weak);
  Sighting sighting;
  sighting.sign = Sign::vanishing_gradient;
  sighting.severity = Severity::warning;
  sighting.revocable = true;
  sighting.phase = Phase::backward;
  sighting.step = step.number();
  if (through_activations < kVanished && weak.size() >= 3) {
    const std::uint32_t worst_site = weak.front().second;
    sighting.site = worst_site;
    sighting.position = graph.depth(worst_site);
    sighting.revocable = through_activations > kGone;
    sighting.message = fmt::format("{} activations let {} of the gradient through; {} alone passes {}", weak.size(),
                                   number(through_activations), graph.name(worst_site), number(weak.front().first));
    // A rectifier loses gradient by units that fall silent, which is no fault of its kind.
    const bool rectifier = graph.site(worst_site).op_class == OpClass::rectifier;
    sighting.suspects.push_back(
        {Cause::wrong_activation,
         rectifier ? 0.6 : 0.9,
         worst_site,
         {},
         fmt::format("{} of {} activations pass less than half of the gradient", weak.size(), attenuation_.size())});
    sighting.suspects.push_back(
        {Cause::too_deep, 0.55, 0, "model",
         fmt::format("{} saturating layers in a row multiply to {}", weak.size(), number(through_activations))});
    sighting.suspects.push_back({Cause::missing_normalization, 0.5, 0, "model", {}});
    seen.push_back(std::move(sighting));
  } else if (total < kFaded) {
    sighting.site = faintest_site;
    sighting.position = graph.depth(faintest_site);
    sighting.message =
        fmt::format("the gradient at {} is {} of that at the prediction, {} of it lost between the activations",
                    graph.name(faintest_site), number(total), number(total / through_activations));
    const double shrunk = weights_left(run);
    if (shrunk < kDecayed && run.program().weight_decay > 0) {
      sighting.suspects.push_back({Cause::optimizer_settings, 0.9, 0, "optimizer",
                                   fmt::format("a weight decay of {} has left {} of a typical weight",
                                               number(run.program().weight_decay), percent(shrunk))});
    }
    sighting.suspects.push_back({Cause::bad_initialization,
                                 shrunk < kDecayed ? 0.3 : 0.85,
                                 faintest_site,
                                 {},
                                 "the weights shrink the gradient, the activations between them keep it"});
    sighting.suspects.push_back({Cause::missing_normalization, 0.4, 0, "model", {}});
    seen.push_back(std::move(sighting));
  } else if (strongest > kGrown * at_prediction && total_.count() >= kSamples) {
    sighting.sign = Sign::exploding_gradient;
    sighting.site = strongest_site;
    sighting.position = graph.depth(strongest_site);
    sighting.message = fmt::format("the gradient at {} is {} times that at the prediction", graph.name(strongest_site),
                                   number(strongest / at_prediction));
    sighting.suspects.push_back({Cause::bad_initialization, 0.7, strongest_site, {}, sighting.message});
    sighting.suspects.push_back({Cause::missing_normalization, 0.5, 0, "model", {}});
    sighting.suspects.push_back({Cause::too_deep, 0.4, 0, "model", {}});
    seen.push_back(std::move(sighting));
  }
}

void GradientFlowAnalyzer::growth(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  double squares = 0;
  for (const Record& record : step.tensors()) {
    if (record.phase == Phase::gradient && record.tensor.min <= record.tensor.max) {
      squares += record.tensor.mean_square * static_cast<double>(record.tensor.count);
    }
  }
  norm_.add(step.number(), std::sqrt(squares));
  if (norm_.count() < Series::kBaseline + kSamples) return;
  const double grown = norm_.growth(kSamples);
  const LossHistory& loss = run.loss();
  if (grown < kExploded || !(loss.level(10) > 3 * loss.initial_level()) || !(run.peak_update().value > 0.05)) return;
  Sighting sighting;
  sighting.sign = Sign::exploding_gradient;
  sighting.topic = "growth";
  sighting.severity = Severity::warning;
  sighting.revocable = true;
  sighting.phase = Phase::gradient;
  sighting.part = "model";
  sighting.step = step.number();
  sighting.message =
      fmt::format("the norm of the gradient is {} times its baseline over {} observed steps", number(grown), kSamples);
  sighting.suspects.push_back({Cause::learning_rate_too_high, 0.7, 0, "optimizer", sighting.message});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
