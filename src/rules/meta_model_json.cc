// MetaModel::to_json(); the fields are described in docs/meta-model.md.
#include <array>
#include <cmath>

#include <sonde/meta_model.h>
#include <nlohmann/json.hpp>

#include "rules/loss_reading.h"

namespace sonde {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kClasses = {"other",     "linear",    "convolution", "normalization", "embedding", "recurrent",
                                 "attention", "rectifier", "saturating",  "activation",    "softmax",   "log_softmax",
                                 "pooling",   "dropout",   "view",        "loss",          "reduction", "pointwise",
                                 "factory",   "copy",      "parameter"};
static_assert(kClasses.size() == static_cast<std::size_t>(OpClass::parameter) + 1);

// JSON has no NaN and no infinity.
Json encode(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json encode(const TensorFacts& facts) {
  if (!facts.known()) return nullptr;
  return {{"count", facts.count},        {"mean", encode(facts.mean)}, {"deviation", encode(facts.deviation)},
          {"rms", encode(facts.rms)},    {"min", encode(facts.min)},   {"max", encode(facts.max)},
          {"zeros", encode(facts.zeros)}};
}

Json encode(const Operation& operation) {
  Json json = {{"id", operation.id},
               {"layer", operation.layer},
               {"owned", operation.owned},
               {"module_type", operation.module_type},
               {"name", operation.name},
               {"class", kClasses[static_cast<std::size_t>(operation.op_class)]},
               {"shape", operation.shape},
               {"from_shape", operation.from_shape},
               {"dtype", operation.dtype},
               {"arguments", Json::array()},
               {"inputs", operation.inputs},
               {"consumers", operation.consumers},
               {"before", operation.before},
               {"outside", operation.outside},
               {"in_loss", operation.in_loss},
               {"joins", operation.joins},
               {"repeated", operation.repeated},
               {"output", encode(operation.output)},
               {"beyond", encode(operation.beyond)}};
  for (const double argument : operation.arguments) json["arguments"].push_back(encode(argument));
  if (operation.weight_shape.empty()) return json;
  json["weight_shape"] = operation.weight_shape;
  json["fan_in"] = operation.fan_in;
  json["fan_out"] = operation.fan_out;
  json["bias"] = operation.bias;
  json["weight"] = encode(operation.weight);
  json["unit_spread"] = encode(operation.unit_spread);
  json["normalization"] = operation.normalization;
  json["activation"] = operation.activation;
  json["dropout"] = operation.dropout;
  json["pooling"] = operation.pooling;
  return json;
}

Json encode(const LossFacts& loss) {
  return {{"kind", rules::words(loss.kind)},
          {"composite", loss.composite},
          {"operation", loss.operation},
          {"reduction", loss.reduction},
          {"output", rules::words(loss.output)},
          {"prediction", loss.prediction},
          {"prediction_shape", loss.prediction_shape},
          {"width", loss.width},
          {"first_value", encode(loss.first_value)}};
}

Json encode(const LabelFacts& labels) {
  return {{"site", labels.site},
          {"dtype", labels.dtype},
          {"shape", labels.shape},
          {"values", encode(labels.values)},
          {"batches", labels.batches},
          {"integral", labels.integral},
          {"zero_or_one", labels.zero_or_one},
          {"one_hot", labels.one_hot},
          {"multi_hot", labels.multi_hot},
          {"distinct", labels.distinct}};
}

Json encode(const InputFacts& input) {
  Json features = Json::array();
  for (const FeatureFacts& feature : input.features)
    features.push_back({{"min", encode(feature.min)},
                        {"max", encode(feature.max)},
                        {"mean", encode(feature.mean)},
                        {"deviation", encode(feature.deviation)}});
  return {
      {"site", input.site},   {"dtype", input.dtype},       {"shape", input.shape}, {"values", encode(input.values)},
      {"image", input.image}, {"channels", input.channels}, {"batch", input.batch}, {"data_rows", input.data_rows},
      {"features", features}};
}

}  // namespace

std::string MetaModel::to_json() const {
  Json json = {{"schema", {{"name", "sonde-meta-model"}, {"version", 1}}},
               {"step", step},
               {"first_step", first_step},
               {"task", task},
               {"task_reason", task_reason},
               {"told_task", told_task},
               {"parameters", parameters},
               {"loss", encode(loss)},
               {"labels", encode(labels)},
               {"input", encode(input)}};
  json["optimizer_groups"] = Json::array();
  for (const OptimizerGroup& group : groups)
    json["optimizer_groups"].push_back({{"optimizer", group.optimizer},
                                        {"learning_rate", encode(group.learning_rate)},
                                        {"momentum", encode(group.momentum)},
                                        {"weight_decay", encode(group.weight_decay)},
                                        {"parameters", group.parameters}});
  json["modules"] = Json::array();
  for (const ModuleFacts& module : modules)
    json["modules"].push_back({{"path", module.path}, {"type", module.type}, {"training", module.training}});
  json["tied"] = tied;
  json["operations"] = Json::array();
  for (const Operation& operation : operations) json["operations"].push_back(encode(operation));
  // Names from the program need not be UTF-8.
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sonde
