#include "analysis/fake_network.h"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace sonde::testing {

using trace::OpClass;
using trace::Record;
using trace::RecordKind;

trace::TensorStats values(double rms, double mean, std::uint64_t count) {
  trace::TensorStats stats;
  stats.count = count;
  stats.mean = mean;
  stats.mean_square = rms * rms;
  const double deviation = std::sqrt(std::max(0.0, rms * rms - mean * mean));
  stats.min = mean - 3 * deviation;
  stats.max = mean + 3 * deviation;
  stats.aux = rms;
  return stats;
}

trace::TensorStats zeros(std::uint64_t count) {
  trace::TensorStats stats;
  stats.count = count;
  stats.zeros = count;
  return stats;
}

namespace {

struct Kind {
  const char* word;
  OpClass op_class;
  const char* operation;
};
constexpr Kind kKinds[] = {
    {"log_softmax", OpClass::log_softmax, "aten::log_softmax"},
    {"softmax", OpClass::softmax, "aten::softmax"},
    {"relu", OpClass::rectifier, "aten::relu"},
    {"sigmoid", OpClass::saturating, "aten::sigmoid"},
    {"tanh", OpClass::saturating, "aten::tanh"},
    {"exp", OpClass::pointwise, "aten::exp"},
    {"norm", OpClass::normalization, "aten::batch_norm"},
    {"dropout", OpClass::dropout, "aten::dropout"},
    {"log", OpClass::pointwise, "aten::log"},
    {"sum", OpClass::reduction, "aten::sum"},
};

}  // namespace

FakeNetwork::FakeNetwork(const std::vector<std::string>& layers, const std::string& loss_operation) {
  trace::Site outside;
  outside.operation = "input";
  outside.dtype = "float";
  outside.shape = {32, 20};
  input_site_ = catalog_.add(outside);
  outside.shape = {32, 10};
  target_site_ = catalog_.add(outside);
  std::uint32_t before = input_site_;
  for (const std::string& name : layers) {
    FakeLayer layer;
    layer.name = name;
    layer.forward = values(1);
    layer.backward = values(0.01);
    for (const Kind& kind : kKinds) {
      if (name.find(kind.word) == std::string::npos) continue;
      layer.op_class = kind.op_class;
      layer.operation = kind.operation;
      layer.has_weight = false;
      break;
    }
    trace::Site site;
    site.layer = name;
    site.layer_owns = true;
    site.operation = layer.operation;
    site.op_class = layer.op_class;
    if (layer.op_class != OpClass::reduction) site.shape = {32, layer.units};
    site.inputs = {before};
    layer.site = before = catalog_.add(site);
    if (layer.has_weight) {
      trace::Site parameter;
      parameter.layer = name;
      parameter.layer_owns = true;
      parameter.parameter = "weight";
      parameter.op_class = OpClass::parameter;
      parameter.shape = {layer.units, 20};
      layer.parameter = catalog_.add(parameter);
    }
    layers_.push_back(layer);
  }
  if (!loss_operation.empty()) {
    trace::Site loss;
    loss.layer = layers_.back().name;
    loss.operation = loss_operation;
    loss.op_class = OpClass::loss;
    loss.inputs = {before, target_site_};
    loss_site_ = catalog_.add(loss);
  }
  set_program([&](trace::Program& program) {
    program.loss_operation = loss_operation;
    program.loss_reduction = 1;
    program.prediction_site = before;
    program.prediction_shape = {32, 10};
    program.optimizer = "SGD";
  });
  engine_ = std::make_unique<analysis::Engine>(catalog_);
}

FakeLayer& FakeNetwork::layer(const std::string& name) {
  for (FakeLayer& layer : layers_) {
    if (layer.name == name) return layer;
  }
  throw std::invalid_argument("no layer " + name);
}

std::uint32_t FakeNetwork::add_operation(const std::string& operation, std::vector<std::uint32_t> inputs) {
  trace::Site site;
  site.layer = layers_.back().name;
  site.operation = operation;
  site.op_class = operation == "aten::mean" ? OpClass::reduction : OpClass::pointwise;
  site.inputs = std::move(inputs);
  return loss_site_ = catalog_.add(site);
}

void FakeNetwork::set_program(const std::function<void(trace::Program&)>& change) {
  trace::Program program = catalog_.program();
  change(program);
  catalog_.set_program(program);
}

Record FakeNetwork::record(RecordKind kind, std::uint32_t site, Phase phase) const {
  Record record;
  record.kind = kind;
  record.site = site;
  record.phase = phase;
  record.step = step_;
  record.position = ++position_;
  return record;
}

std::vector<Record> FakeNetwork::step() {
  std::vector<Record> records;
  position_ = 0;
  Record facts = record(RecordKind::step_begin, 0, Phase::forward);
  facts.facts = {};
  facts.facts.loss = loss;
  facts.facts.learning_rate = learning_rate;
  facts.facts.non_finite_loss = non_finite_loss;
  facts.facts.non_finite_gradient = non_finite_gradient;
  facts.facts.batch_fingerprint = fingerprint;
  facts.facts.training_mode = training_mode;
  facts.facts.applied = 1;
  facts.facts.weights_changed = 1;
  facts.flags = static_cast<std::uint8_t>(flags | (observed ? trace::kObservedInFull : 0));
  records.push_back(facts);
  const auto tensor = [&](std::uint32_t site, Phase phase, const trace::TensorStats& stats) -> Record& {
    Record one = record(RecordKind::tensor, site, phase);
    one.tensor = stats;
    return records.emplace_back(one);
  };
  if (observed) {
    tensor(input_site_, Phase::input, input);
    tensor(target_site_, Phase::input, target).flags = trace::kTarget;
    for (const FakeLayer& layer : layers_) {
      Record& forward = tensor(layer.site, Phase::forward, layer.forward);
      forward.tensor.units = forward.tensor.units == 0 ? layer.units : forward.tensor.units;
      if (layer.site == layers_.back().site) forward.flags = trace::kFeedsLoss;
    }
  }
  Record one = record(RecordKind::loss, loss_site_, Phase::loss);
  one.loss = {loss, 1};
  records.push_back(one);
  if (observed) {
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      tensor(layer->site, Phase::backward, layer->backward).tensor.units = layer->units;
    }
    for (const FakeLayer& layer : layers_) {
      if (!layer.has_weight) continue;
      if (layer.trained)
        tensor(layer.parameter, Phase::gradient, layer.gradient > 0 ? values(layer.gradient) : zeros()).tensor.aux =
            layer.gradient_dot_update;
      Record& weight = tensor(layer.parameter, Phase::weight, values(layer.weight));
      weight.tensor.units = layer.units;
      weight.tensor.aux = layer.weight_spread;
      if (step_ > 0 && layer.trained)
        tensor(layer.parameter, Phase::update, values(layer.update)).tensor.aux = layer.weight;
    }
  }
  for (Record& more : extra) {
    more.step = step_;
    records.push_back(more);
  }
  extra.clear();
  facts.kind = RecordKind::step_end;
  facts.position = ++position_;
  records.push_back(facts);
  ++step_;
  return records;
}

void FakeNetwork::run(std::uint64_t steps, const std::function<void(std::uint64_t)>& shape) {
  for (std::uint64_t i = 0; i < steps; ++i) {
    if (shape) shape(step_);
    const std::vector<Record> records = step();
    pushed_.insert(pushed_.end(), records.begin(), records.end());
    engine_->consume(records);
  }
}

void FakeNetwork::metric(const std::string& name, double value, MetricOptions told) {
  if (!metrics_.contains(name)) {
    trace::Site site;
    site.operation = trace::kMetricOperation;
    site.parameter = name;
    metrics_[name] = catalog_.add(site);
  }
  Record one = record(RecordKind::metric, metrics_[name], Phase::loss);
  one.step = step_ == 0 ? 0 : step_ - 1;
  one.metric = {value, told.better, told.split};
  pushed_.push_back(one);
  engine_->consume(std::span(&one, 1));
}

std::size_t FakeNetwork::count(Severity at_least) const {
  std::size_t count = 0;
  for (const Finding& finding : findings()) count += finding.severity >= at_least ? 1 : 0;
  return count;
}

const Finding* FakeNetwork::find(const std::string& kind) const {
  last_ = findings();
  for (const Finding& finding : last_) {
    if (finding.origin.kind == kind) return &finding;
  }
  for (const Finding& finding : last_) {
    for (const Symptom& symptom : finding.followed_by) {
      if (symptom.kind == kind) return &finding;
    }
  }
  return nullptr;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::ostringstream out;
  const auto place = [&out](const Location& where) {
    out << where.layer << '/' << where.part << '/' << where.operation << '/' << to_string(where.phase) << ' ';
  };
  for (const Finding& finding : findings) {
    out << to_string(finding.severity) << ' ' << finding.origin.kind << " step " << finding.origin.step << ' ';
    place(finding.origin.where);
    out << finding.origin.message << '\n';
    for (const std::string& line : finding.context) out << "  " << line << '\n';
    for (const RankedCause& cause : finding.causes) {
      out << "  cause " << to_string(cause.cause) << ' ' << cause.confidence << ' ';
      place(cause.where);
      for (const std::string& line : cause.evidence) out << " | " << line;
      out << " -> " << cause.fix << '\n';
    }
    for (const Symptom& symptom : finding.followed_by)
      out << "  then " << symptom.kind << ' ' << symptom.message << '\n';
    out << "  " << finding.followed_by_count << ' ' << finding.followed_by_layers << ' ' << finding.last_step << '\n';
  }
  return out.str();
}

std::vector<Cause> causes_of(const Finding& finding) {
  std::vector<Cause> causes;
  for (const RankedCause& cause : finding.causes) causes.push_back(cause.cause);
  return causes;
}

}  // namespace sonde::testing
