#include "analysis/structure.h"

#include <map>
#include <string>

#include <fmt/format.h>

namespace sonde::analysis {

using trace::OpClass;
using trace::Site;

void StructureAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  const Graph& graph = run.graph();
  if (!step.observed() || sites_ == graph.size()) return;
  sites_ = graph.size();
  convolutions(step, run, seen);
  data_set(step, run, seen);
  std::map<std::string, std::size_t> given;
  const auto say = [&](std::uint32_t site, const std::string& topic, Cause cause, double confidence,
                       std::string message) {
    if (++given[topic] > kMost) return;
    Sighting sighting;
    sighting.sign = Sign::structure;
    sighting.topic = topic;
    sighting.severity = Severity::advice;
    sighting.site = site;
    sighting.step = step.number();
    sighting.position = graph.depth(site);
    sighting.message = std::move(message);
    sighting.suspects.push_back({cause, confidence, site, {}, sighting.message});
    seen.push_back(std::move(sighting));
  };
  const auto layer = [](const Site& site) {
    return site.layer_owns && (site.op_class == OpClass::linear || site.op_class == OpClass::convolution);
  };
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const Site& site = graph.site(id);
    const std::uint32_t before = graph.operand(id);
    if (before == 0 || graph.in_loss(id)) continue;
    // A second use of the first layer's output (a residual, attention) is a purpose; so is a factorised layer.
    const Site& other = graph.site(before);
    if (layer(site) && layer(other) && graph.consumers(before).size() == 1 && site.layer != other.layer) {
      say(before, "no-activation", Cause::missing_activation, 0.6,
          fmt::format("no activation stands between {} and {}: together they are one linear layer", graph.name(before),
                      graph.name(id)));
    }
    const bool pointwise =
        activates(site.op_class) && site.op_class != OpClass::softmax && site.op_class != OpClass::log_softmax;
    if (pointwise && activates(other.op_class)) {
      say(id, "double-activation", Cause::redundant_activation, 0.6,
          fmt::format("{} follows another activation, {}", graph.name(id), graph.name(before)));
    }
    if (site.op_class == OpClass::dropout && !site.scalars.empty() && site.scalars.front() > 0.5 &&
        site.scalars.front() <= 1) {
      say(id, "dropout-rate", Cause::dropout_rate, 0.5,
          fmt::format("{} drops {} of its input", graph.name(id), percent(site.scalars.front())));
    }
  }
}

void StructureAnalyzer::data_set(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const std::int64_t rows = run.data_rows();
  const auto parameters = static_cast<double>(run.program().parameters);
  if (rows <= run.batch_rows() || rows >= kFewRows || parameters < kParametersPerRow * static_cast<double>(rows))
    return;
  Sighting sighting;
  sighting.sign = Sign::structure;
  sighting.topic = "little-data";
  sighting.severity = Severity::advice;
  sighting.part = "data";
  sighting.phase = Phase::input;
  sighting.step = step.number();
  sighting.message =
      fmt::format("batches are picked from {} rows; the model has {} parameters", rows, number(parameters));
  sighting.suspects.push_back({Cause::too_little_data, 0.5, 0, "data", sighting.message});
  seen.push_back(std::move(sighting));
}

void StructureAnalyzer::convolutions(const Step& step, const Run& run, std::vector<Sighting>& seen) const {
  const Graph& graph = run.graph();
  std::size_t kernels = 0;
  std::int64_t channels = 0;
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const Site& site = graph.site(id);
    if (site.op_class != OpClass::parameter || site.parameter != "weight" || site.shape.size() != 4) continue;
    if (kernels++ == 0) channels = site.shape[1];
  }
  const std::size_t usual = channels >= 3 ? 3 : 2;
  if (kernels == 0 || kernels >= usual || !classifies(run.reading().kind)) return;
  Sighting sighting;
  sighting.sign = Sign::structure;
  sighting.topic = "few-convolutions";
  sighting.severity = Severity::advice;
  sighting.part = "model";
  sighting.step = step.number();
  sighting.message = fmt::format("{} convolution{} for images of {} channel{}; {} or more are usual", kernels,
                                 kernels == 1 ? "" : "s", channels, channels == 1 ? "" : "s", usual);
  sighting.suspects.push_back({Cause::too_few_conv_layers, 0.4, 0, "model", sighting.message});
  sighting.suspects.push_back({Cause::too_shallow, 0.3, 0, "model", {}});
  seen.push_back(std::move(sighting));
}

}  // namespace sonde::analysis
