#include "rules/sketch.h"

#include <cmath>
#include <map>
#include <stdexcept>

#include "rules/registry.h"
#include "rules/say.h"

namespace sonde::testing {

TensorFacts spread(double mean, double deviation, std::uint64_t count) {
  return {count, mean, deviation, std::hypot(mean, deviation), mean - 3 * deviation, mean + 3 * deviation, 0};
}

TensorFacts within(double min, double max, std::uint64_t count) {
  const double mean = (min + max) / 2;
  const double deviation = (max - min) / std::sqrt(12.0);
  return {count, mean, deviation, std::hypot(mean, deviation), min, max, 0};
}

namespace {

Sketch begin(std::vector<std::int64_t> shape) {
  Sketch sketch;
  sketch.model.first_step = true;
  sketch.model.input.shape = shape;
  sketch.model.input.batch = shape.front();
  sketch.model.input.values = spread(0, 1);
  sketch.model.index = {1000};
  Operation input;
  input.id = 1;
  input.name = "input";
  input.outside = true;
  input.shape = std::move(shape);
  sketch.model.operations.push_back(input);
  sketch.model.index.push_back(0);
  return sketch;
}

}  // namespace

Sketch Sketch::table(std::int64_t features, std::int64_t rows) { return begin({rows, features}); }

Sketch Sketch::images(std::int64_t channels, std::int64_t side, std::int64_t rows) {
  Sketch sketch = begin({rows, channels, side, side});
  sketch.model.input.image = true;
  sketch.model.input.channels = channels;
  return sketch;
}

Operation& Sketch::add(Operation operation) {
  Operation& before = model.operations.back();
  operation.id = static_cast<std::uint32_t>(model.operations.size() + 1);
  operation.from_shape = before.shape;
  if (operation.shape.empty()) operation.shape = before.shape;
  operation.inputs = {before.id};
  operation.before = before.id;
  const Operation* source = &before;
  while (source->op_class == OpClass::view || source->op_class == OpClass::dropout) {
    operation.before = source->inputs.front();
    source = model.find(operation.before);
  }
  operation.output = spread(0, 1);
  before.consumers.push_back(operation.id);
  model.index.push_back(static_cast<std::uint32_t>(model.operations.size()));
  return model.operations.emplace_back(std::move(operation));
}

Sketch& Sketch::linear(const std::string& name, std::int64_t out) {
  const std::int64_t in = last().shape.back();
  Operation layer;
  layer.layer = name;
  layer.owned = true;
  layer.module_type = "Linear";
  layer.name = "aten::addmm";
  layer.op_class = OpClass::linear;
  layer.shape = {model.input.batch, out};
  layer.weight_shape = {out, in};
  layer.fan_in = in;
  layer.fan_out = out;
  layer.bias = true;
  layer.weight = spread(0, 1 / std::sqrt(3.0 * static_cast<double>(in)), static_cast<std::uint64_t>(in * out));
  layer.unit_spread = 0.1;
  model.parameters += static_cast<std::uint64_t>((in + 1) * out);
  add(layer);
  return *this;
}

Sketch& Sketch::conv(const std::string& name, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  const auto from = last().shape;
  Operation layer;
  layer.layer = name;
  layer.owned = true;
  layer.module_type = "Conv2d";
  layer.name = "aten::conv2d";
  layer.op_class = OpClass::convolution;
  layer.shape = {from[0], out, from[2] / stride, from[3] / stride};
  layer.weight_shape = {out, from[1], kernel, kernel};
  layer.fan_in = from[1] * kernel * kernel;
  layer.fan_out = out * kernel * kernel;
  layer.bias = true;
  layer.weight =
      spread(0, 1 / std::sqrt(3.0 * static_cast<double>(layer.fan_in)), static_cast<std::uint64_t>(layer.fan_in * out));
  layer.unit_spread = 0.1;
  model.parameters += static_cast<std::uint64_t>((layer.fan_in + 1) * out);
  add(layer);
  return *this;
}

Sketch& Sketch::then(const std::string& operation, std::vector<double> arguments) {
  static const std::map<std::string, OpClass> classes = {
      {"relu", OpClass::rectifier},  {"sigmoid", OpClass::saturating},       {"tanh", OpClass::saturating},
      {"softmax", OpClass::softmax}, {"dropout", OpClass::dropout},          {"log_softmax", OpClass::log_softmax},
      {"flatten", OpClass::view},    {"batch_norm", OpClass::normalization}, {"max_pool2d", OpClass::pooling},
  };
  Operation next;
  next.layer = last().layer;
  next.name = "aten::" + operation;
  next.op_class = classes.at(operation);
  next.arguments = std::move(arguments);
  next.shape = last().shape;
  if (operation == "flatten") next.shape = {next.shape[0], next.shape[1] * next.shape[2] * next.shape[3]};
  if (operation == "max_pool2d") next.shape = {next.shape[0], next.shape[1], next.shape[2] / 2, next.shape[3] / 2};
  add(next);
  return *this;
}

Sketch& Sketch::join(const std::string& layer) {
  const std::uint32_t other = at(layer).id;
  Operation sum;
  sum.name = "aten::add";
  sum.op_class = OpClass::pointwise;
  sum.joins = true;
  Operation& added = add(sum);
  added.inputs.push_back(other);
  at(layer).consumers.push_back(added.id);
  return *this;
}

Sketch& Sketch::cross_entropy() {
  loss(LossKind::cross_entropy, OutputKind::linear, last().shape.back());
  model.loss.operation = "aten::cross_entropy_loss";
  model.labels.values = within(0, static_cast<double>(model.loss.width - 1), 64);
  model.labels.integral = true;
  model.task = "multiclass";
  return *this;
}

Sketch& Sketch::loss(LossKind kind, OutputKind output, std::int64_t width) {
  model.loss.kind = kind;
  model.loss.output = output;
  model.loss.width = width;
  model.loss.reduction = 1;
  model.loss.prediction = last().id;
  model.loss.prediction_shape = last().shape;
  model.loss.first_value = 1;
  model.labels.values = spread(0, 1, static_cast<std::uint64_t>(model.input.batch * width));
  return *this;
}

Operation& Sketch::at(const std::string& name) {
  for (Operation& operation : model.operations)
    if (operation.layer == name || rules::base_name(operation) == name) return operation;
  throw std::invalid_argument("no operation " + name);
}

std::vector<Violation> apply(const std::string& rule, const MetaModel& model) {
  for (const auto& one : rules::all_rules())
    if (one->name() == rule) return one->check(model);
  throw std::invalid_argument("no rule " + rule);
}

Cause cause_of(const std::string& rule, const MetaModel& model) {
  const auto found = apply(rule, model);
  return found.empty() || found[0].causes.empty() ? Cause::unknown : found[0].causes[0].cause;
}

std::size_t says(const std::string& rule, const MetaModel& model) { return apply(rule, model).size(); }

}  // namespace sonde::testing
