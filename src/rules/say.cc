#include "rules/say.h"

#include <algorithm>

#include "rules/loss_reading.h"

namespace sonde::rules {

std::string base_name(const Operation& operation) {
  std::string name = operation.name;
  if (const auto colons = name.rfind(':'); colons != std::string::npos) name = name.substr(colons + 1);
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

std::string name_of(const Operation& operation) {
  const std::string name = base_name(operation);
  if (operation.layer.empty()) return name.empty() ? "an operation" : name;
  return operation.owned ? operation.layer : name + " after " + operation.layer;
}

std::string name_of(const MetaModel& model, std::uint32_t id) {
  const Operation* operation = model.find(id);
  return operation == nullptr ? std::string("an operation") : name_of(*operation);
}

Violation advice_at(const Operation& operation, Cause cause, double confidence, std::string message) {
  Violation violation;
  violation.operation = operation.id;
  violation.causes.push_back({cause, confidence, operation.id, {}, message});
  violation.message = std::move(message);
  return violation;
}

Violation advice_on(std::string part, Cause cause, double confidence, std::string message) {
  Violation violation;
  violation.phase = part == "data" || part == "labels" ? Phase::input
                    : part == "loss"                   ? Phase::loss
                    : part == "optimizer"              ? Phase::update
                                                       : Phase::forward;
  violation.causes.push_back({cause, confidence, 0, part, message});
  violation.part = std::move(part);
  violation.message = std::move(message);
  return violation;
}

bool is_transposed(const Operation& operation) { return operation.name.find("transpose") != std::string::npos; }

std::size_t convolutions(const MetaModel& model) {
  return static_cast<std::size_t>(std::ranges::count_if(model.operations, is_convolution));
}

bool uses(const MetaModel& model, OpClass op_class) {
  return std::ranges::any_of(model.operations,
                             [op_class](const Operation& operation) { return operation.op_class == op_class; });
}

bool is_chain(const MetaModel& model) {
  return std::ranges::none_of(model.operations, [](const Operation& operation) {
    const bool layer_twice = operation.is_layer() && operation.repeated;
    const bool forks = operation.is_layer() && operation.consumers.size() > 1;
    return operation.joins || layer_twice || forks || operation.op_class == OpClass::recurrent ||
           operation.op_class == OpClass::attention || operation.op_class == OpClass::embedding;
  });
}

bool judges_classes(const MetaModel& model) {
  return model.task == "multiclass" || model.task == "binary" || model.task == "multilabel" ||
         classifies(model.loss.kind);
}

std::vector<const Operation*> hidden_layers(const MetaModel& model) {
  std::vector<const Operation*> layers;
  for (const Operation& operation : model.operations)
    if (operation.is_layer()) layers.push_back(&operation);
  if (!layers.empty()) layers.pop_back();
  return layers;
}

}  // namespace sonde::rules
