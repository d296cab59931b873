#include "rules/meta_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/task.h"

namespace sonde::rules {
namespace {

using trace::Record;
using trace::RecordKind;
using trace::Site;

TensorFacts pooled(const Scale& scale) {
  TensorFacts facts;
  if (!scale.known) return facts;
  return {scale.count, scale.mean, scale.deviation, scale.rms, scale.min, scale.max, scale.zeros};
}

bool from_outside(const Site& site) { return site.op_class == OpClass::other && site.inputs.empty(); }

Operation operation_of(const Graph& graph, const Site& site) {
  Operation operation;
  operation.id = site.id;
  operation.layer = site.layer;
  operation.owned = site.layer_owns;
  operation.module_type = site.module_type;
  operation.name = site.operation;
  operation.op_class = site.op_class;
  operation.shape = site.shape;
  operation.dtype = site.dtype;
  operation.arguments = site.scalars;
  operation.before = graph.operand(site.id);
  operation.in_loss = graph.in_loss(site.id);
  operation.outside = from_outside(site);
  operation.repeated = site.occurrence > 0;
  for (const std::uint32_t input : site.inputs)
    if (input != 0 && input < graph.size() && graph.site(input).op_class != OpClass::parameter)
      operation.inputs.push_back(input);
  operation.consumers = graph.consumers(site.id);
  if (!operation.inputs.empty()) operation.from_shape = graph.site(operation.inputs.front()).shape;
  std::size_t computed = 0;
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    const Site& input = graph.site(operation.inputs[i]);
    const bool twice = std::find(operation.inputs.begin(), operation.inputs.begin() + static_cast<std::ptrdiff_t>(i),
                                 operation.inputs[i]) != operation.inputs.begin() + static_cast<std::ptrdiff_t>(i);
    computed += !twice && !from_outside(input) && input.op_class != OpClass::factory ? 1 : 0;
  }
  const bool meets = site.op_class == OpClass::pointwise || site.op_class == OpClass::copy;
  operation.joins = meets && computed > 1 && !operation.in_loss;
  return operation;
}

void add_weight(Operation& operation, const Site& weight, bool bias, const trace::TensorStats* stats) {
  operation.weight_shape = weight.shape;
  operation.bias = bias;
  if (weight.shape.size() < 2) return;
  const bool transposed = operation.name.find("transpose") != std::string::npos;
  std::int64_t window = 1;
  for (std::size_t i = 2; i < weight.shape.size(); ++i) window *= weight.shape[i];
  operation.fan_in = weight.shape[transposed ? 0 : 1] * window;
  operation.fan_out = weight.shape[transposed ? 1 : 0] * window;
  if (stats == nullptr) return;
  operation.weight = facts_of(*stats);
  if (!std::isnan(stats->aux) && stats->units > 1) operation.unit_spread = stats->aux;
}

// What follows `operation` on its only way on: normalisation, activation, dropout and pooling in any order.
void look_ahead(const MetaModel& model, Operation& operation) {
  const Operation* at = &operation;
  for (int hops = 0; hops < 8; ++hops) {
    if (at->consumers.size() != 1) return;
    at = model.find(at->consumers.front());
    if (at == nullptr || at->in_loss || at->joins) return;
    std::uint32_t* place = at->op_class == OpClass::normalization ? &operation.normalization
                           : activates(at->op_class)              ? &operation.activation
                           : at->op_class == OpClass::dropout     ? &operation.dropout
                           : at->op_class == OpClass::pooling     ? &operation.pooling
                                                                  : nullptr;
    if (place == nullptr && !passes_on(at->op_class)) return;
    if (place != nullptr && *place == 0) *place = at->id;
  }
}

void add_operations(const Sources& sources, MetaModel& model) {
  const Graph& graph = sources.graph;
  std::map<std::pair<std::uint32_t, Phase>, const trace::TensorStats*> measured;
  for (const Record& record : sources.tensors) measured.emplace(std::pair(record.site, record.phase), &record.tensor);
  const auto stats = [&](std::uint32_t site, Phase phase) {
    const auto found = measured.find({site, phase});
    return found == measured.end() ? nullptr : found->second;
  };
  std::map<std::string, std::uint32_t> weights, biases;  // by layer
  std::map<std::pair<std::string, std::string>, int> calls;
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const Site& site = graph.site(id);
    if (site.op_class == OpClass::parameter) {
      if (site.parameter == "weight") weights.emplace(site.layer, id);
      if (site.parameter == "bias") biases.emplace(site.layer, id);
    } else if (site.layer_owns) {
      ++calls[{site.layer, site.operation}];
    }
  }
  model.index.assign(graph.size(), std::numeric_limits<std::uint32_t>::max());
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const Site& site = graph.site(id);
    if (site.op_class == OpClass::parameter || trace::is_metric(site)) continue;
    model.index[id] = static_cast<std::uint32_t>(model.operations.size());
    Operation& operation = model.operations.emplace_back(operation_of(graph, site));
    operation.repeated = operation.owned && calls[{site.layer, site.operation}] > 1;
    const auto* output = stats(id, operation.outside ? Phase::input : Phase::forward);
    if (output != nullptr) {
      operation.output = facts_of(*output);
      operation.beyond = static_cast<double>(output->beyond);
    }
    const bool table = operation.owned && operation.op_class == OpClass::embedding;
    if (!operation.is_layer() && !table) continue;
    if (const auto weight = weights.find(site.layer); weight != weights.end())
      add_weight(operation, graph.site(weight->second), biases.contains(site.layer),
                 stats(weight->second, Phase::weight));
  }
  for (Operation& operation : model.operations) look_ahead(model, operation);
}

void add_outside(const Sources& sources, MetaModel& model) {
  const trace::Program& program = sources.program;
  const Scale& input = sources.outside.input();
  const Site& batch = sources.graph.site(input.site);
  model.input.site = input.site;
  model.input.values = pooled(input);
  if (input.known) {
    model.input.dtype = batch.dtype;
    model.input.shape = batch.shape;
    model.input.image = batch.shape.size() == 4;
    model.input.channels = model.input.image ? batch.shape[1] : 0;
    model.input.batch = sources.outside.batch_rows(sources.graph);
    model.input.data_rows = sources.outside.data_rows(sources.graph);
  }
  model.input.features = program.features;

  const Scale& target = sources.outside.target();
  model.labels.site = target.site;
  model.labels.dtype = program.target_dtype;
  model.labels.shape = program.target_shape;
  model.labels.values = pooled(target);
  model.labels.batches = static_cast<std::uint64_t>(target.batches);
  model.labels.integral = program.target_integral;
  model.labels.zero_or_one = target.known && target.zero_or_one;
  model.labels.one_hot = sources.outside.one_hot(program, sources.reading);
  model.labels.multi_hot = sources.outside.multi_hot(sources.graph, program, sources.reading);
  model.labels.distinct = program.target_distinct;
}

}  // namespace

TensorFacts facts_of(const trace::TensorStats& stats) {
  TensorFacts facts;
  facts.count = stats.count;
  if (stats.count == 0 || !(stats.min <= stats.max)) return facts;
  facts.mean = stats.mean;
  facts.rms = std::sqrt(std::max(0.0, stats.mean_square));
  facts.deviation = stats.min == stats.max ? 0 : std::sqrt(std::max(0.0, stats.mean_square - stats.mean * stats.mean));
  facts.min = stats.min;
  facts.max = stats.max;
  facts.zeros = static_cast<double>(stats.zeros) / static_cast<double>(stats.count);
  return facts;
}

MetaModel build_meta_model(const Sources& sources) {
  MetaModel model;
  add_operations(sources, model);
  const trace::Program& program = sources.program;
  const LossReading& reading = sources.reading;
  model.loss = {reading.kind,      reading.composite,  program.loss_operation,   program.loss_reduction,
                reading.output,    reading.prediction, program.prediction_shape, reading.width,
                sources.first_loss};
  add_outside(sources, model);
  model.told_task = program.told_task;
  model.groups = program.groups;
  model.modules = program.modules;
  model.tied = program.tied;
  model.parameters = program.parameters;
  model.step = sources.step;
  model.first_step = sources.step == 0;
  infer_task(model);
  return model;
}

MetaModel read_meta_model(const trace::Catalog& catalog, std::span<const Record> records) {
  const trace::Program program = catalog.program();
  Graph graph;
  graph.update(catalog);
  graph.set_prediction(program.prediction_site);
  Outside outside;
  std::vector<Record> tensors;
  double loss = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t step = 0;
  bool observed = false;
  for (const Record& record : records) {
    if (record.kind == RecordKind::step_begin) observed = (record.flags & trace::kObservedInFull) != 0;
    if (!observed) continue;
    if (record.kind == RecordKind::step_end) break;
    if (record.kind == RecordKind::loss) loss = record.loss.value;
    if (record.kind != RecordKind::tensor) continue;
    step = record.step;
    if (record.phase == Phase::input) outside.take(record, graph, true);
    tensors.push_back(record);
  }
  if (!observed) return {};
  const LossReading reading = read_loss(graph, program);
  return build_meta_model({graph, program, reading, outside, tensors, step, loss});
}

}  // namespace sonde::rules
