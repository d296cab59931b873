// Rule hidden-activation: sigmoid, tanh or softmax between layers (Theia CNL; TheDeepChecker). Advice.
// Formula: the slope is below a hundredth of its maximum for more than 60 % of the outputs before the first update; or
// three sigmoids and more one after the other (a slope of at most 1/4 each), a weak habit. Healthy: gates, and the output.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {
namespace {

// Directly after a layer, and used by one other operation that is no product of gates.
bool between_layers(const MetaModel& model, const Operation& activation) {
  const Operation* layer = model.find(activation.before);
  if (activation.op_class != OpClass::saturating || activation.in_loss || activation.id == model.loss.prediction)
    return false;
  const bool after_layer = layer != nullptr && (layer->is_layer() || layer->op_class == OpClass::normalization);
  if (!after_layer || activation.consumers.size() != 1) return false;
  const Operation* next = model.find(activation.consumers.front());
  return next != nullptr && next->op_class != OpClass::pointwise && !next->in_loss;
}

// Softmax over the units of a hidden layer, not a gate or attention: another layer of the model takes it as its input.
bool shares_among_units(const MetaModel& model, const Operation& softmax) {
  if (softmax.op_class != OpClass::softmax || softmax.in_loss || softmax.id == model.loss.prediction) return false;
  const Operation* layer = model.find(softmax.before);
  const Operation* next = softmax.consumers.size() == 1 ? model.find(softmax.consumers.front()) : nullptr;
  return layer != nullptr && layer->is_layer() && next != nullptr && next->is_layer() && next->before == softmax.id &&
         softmax.shape.size() == 2;
}

}  // namespace

Violations check_hidden_activation(const MetaModel& model) {
  constexpr double kFlat = 0.6;
  constexpr std::size_t kMany = 3;
  const Operation* flattest = nullptr;
  const Operation* first = nullptr;
  std::size_t sigmoids = 0;
  for (const Operation& softmax : model.operations) {
    if (!shares_among_units(model, softmax)) continue;
    return {advice_at(softmax, Cause::wrong_activation, 0.55,
                      fmt::format("{} makes the {} units share a sum of one: each passes on hardly anything",
                                  name_of(softmax), softmax.shape.back()))};
  }
  for (const Operation& activation : model.operations) {
    const Operation* layer = model.find(activation.before);
    if (!between_layers(model, activation) || layer == nullptr) continue;
    if (base_name(activation) == "sigmoid" && sigmoids++ == 0) first = &activation;
    const bool flatter = flattest == nullptr || activation.beyond > flattest->beyond;
    if (activation.beyond > kFlat && flatter) flattest = &activation;
  }
  if (flattest != nullptr && model.first_step) {
    return {advice_at(*flattest, Cause::wrong_activation, 0.45,
                      fmt::format("{} of the output of {} lies in the flat tails before the first update",
                                  percent(flattest->beyond), name_of(*flattest)))};
  }
  if (first == nullptr || sigmoids < kMany) return {};
  return {advice_at(
      *first, Cause::wrong_activation, 0.25,
      fmt::format("{} sigmoids stand between layers; each passes at most a quarter of the gradient", sigmoids))};
}

}  // namespace sonde::rules
