#include "analysis/own_analyzers.h"

#include <exception>
#include <string>
#include <utility>

#include "rules/meta_model.h"

namespace sonde::analysis {
namespace {

Measurement measurement_of(const trace::Record& record, const Place* place) {
  const trace::TensorStats& stats = record.tensor;
  Measurement measurement;
  measurement.place = place;
  measurement.phase = record.phase;
  measurement.values = rules::facts_of(stats);
  measurement.nan = stats.nan;
  measurement.infinite = stats.positive_infinity + stats.negative_infinity;
  measurement.units = stats.units;
  measurement.silent_units = stats.silent_units;
  measurement.saturated = stats.beyond;
  if (record.phase == Phase::update) measurement.weight_rms = stats.aux;
  return measurement;
}

Sighting sighting_of(std::string name, Violation violation, std::uint64_t step, const Graph& graph) {
  Sighting sighting;
  sighting.topic = sighting.group = std::move(name);
  sighting.severity = violation.severity;
  sighting.site = violation.operation;
  sighting.part = std::move(violation.part);
  sighting.phase = violation.phase;
  sighting.step = step;
  sighting.position = graph.depth(violation.operation);
  sighting.message = std::move(violation.message);
  sighting.context = std::move(violation.context);
  for (Blame& blame : violation.causes)
    sighting.suspects.push_back({blame.cause, blame.confidence, blame.operation, std::move(blame.part),
                                 std::move(blame.evidence), std::move(blame.fix)});
  return sighting;
}

}  // namespace

void OwnAnalyzers::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  if (choice_.analyzers.empty()) return;
  const StepView view = view_of(step, run.graph());
  for (const auto& analyzer : choice_.analyzers) {
    try {
      for (Violation& violation : analyzer->end_of_step(view))
        seen.push_back(sighting_of(std::string(analyzer->name()), std::move(violation), step.number(), run.graph()));
    } catch (const std::exception& error) {
      if (choice_.failed) choice_.failed(analyzer->name(), error.what());
    } catch (...) {
      if (choice_.failed) choice_.failed(analyzer->name(), "an unknown exception");
    }
  }
}

StepView OwnAnalyzers::view_of(const Step& step, const Graph& graph) {
  measurements_.clear();
  for (const trace::Record& record : step.tensors())
    measurements_.push_back(measurement_of(record, place_of(record.site, graph)));
  StepView view;
  view.step = step.number();
  view.pass = step.pass();
  view.observed = step.observed();
  view.closure = step.repeated();
  view.loss = step.loss();
  if (step.has_facts()) {
    view.applied = step.facts().applied != 0;
    view.learning_rate = step.facts().learning_rate;
    view.batch_size = step.facts().batch_size;
  }
  view.measurements = measurements_;
  return view;
}

const Place* OwnAnalyzers::place_of(std::uint32_t id, const Graph& graph) {
  const auto known = by_site_.find(id);
  if (known != by_site_.end()) return known->second;
  const trace::Site& site = graph.site(id);
  Place place;
  place.id = id;
  place.name = graph.name(id);
  place.layer = site.layer;
  place.owned = site.layer_owns;
  place.module_type = site.module_type;
  place.operation = site.operation;
  place.parameter = site.parameter;
  place.op_class = site.op_class;
  place.shape = site.shape;
  place.dtype = site.dtype;
  places_.push_back(std::move(place));
  by_site_.emplace(id, &places_.back());
  return &places_.back();
}

}  // namespace sonde::analysis
