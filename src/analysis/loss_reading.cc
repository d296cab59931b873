#include "analysis/loss_reading.h"

#include <string>

namespace sonde::analysis {
namespace {

using trace::OpClass;
using trace::Site;

std::string base(const std::string& operation) {
  std::string name = operation;
  if (const auto colons = name.rfind(':'); colons != std::string::npos) name = name.substr(colons + 1);
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

LossKind kind_of(const std::string& name) {
  if (name == "cross_entropy_loss") return LossKind::cross_entropy;
  if (name.starts_with("nll_loss")) return LossKind::nll;
  if (name == "binary_cross_entropy") return LossKind::bce;
  if (name == "binary_cross_entropy_with_logits") return LossKind::bce_logits;
  if (name == "kl_div") return LossKind::kl;
  if (name == "mse_loss" || name == "huber_loss" || name == "smooth_l1_loss") return LossKind::mse;
  if (name == "l1_loss") return LossKind::mae;
  if (name.starts_with("hinge")) return LossKind::hinge;
  return LossKind::unknown;
}

Output output_of(const Site& site) {
  const std::string name = base(site.operation);
  switch (site.op_class) {
    case OpClass::softmax: return Output::softmax;
    case OpClass::log_softmax: return Output::log_softmax;
    case OpClass::rectifier: return Output::rectifier;
    case OpClass::saturating: return name == "sigmoid" || name == "hardsigmoid" ? Output::sigmoid : Output::tanh;
    case OpClass::linear:
    case OpClass::convolution: return Output::linear;
    default: return name == "exp" ? Output::exponential : name == "add" ? Output::linear : Output::other;
  }
}

}  // namespace

LossReading read_loss(const Graph& graph, const trace::Program& program) {
  LossReading reading;
  reading.prediction = graph.prediction();
  const Site& site = graph.site(reading.prediction);
  if (reading.prediction != 0) {
    reading.output = output_of(passes_on(site.op_class) ? graph.site(graph.operand(reading.prediction)) : site);
  }
  const auto& shape = program.prediction_shape.empty() ? site.shape : program.prediction_shape;
  if (shape.size() >= 2) reading.width = shape.size() > 2 ? shape[1] : shape.back();
  if (shape.size() == 1) reading.width = 1;

  reading.kind = kind_of(base(program.loss_operation));
  if (reading.kind != LossKind::unknown || reading.prediction == 0) return reading;
  // Composite: what happens between the prediction and the loss.
  int logs = 0;
  int squares = 0;
  int absolutes = 0;
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    if (id == reading.prediction || !graph.in_loss(id)) continue;
    const std::string name = base(graph.site(id).operation);
    if (const LossKind known = kind_of(name); known != LossKind::unknown) {
      reading.kind = known;
      return reading;
    }
    logs += name == "log" ? 1 : 0;
    squares += name == "pow" || name == "square" ? 1 : 0;
    absolutes += name == "abs" ? 1 : 0;
    if (name == "div" && graph.site(id).inputs.size() >= 2) reading.normalised = true;
  }
  reading.composite = true;
  if (logs >= 2) {
    reading.kind = LossKind::bce;
  } else if (logs == 1) {
    reading.kind = LossKind::categorical_on_probabilities;
  } else if (squares > 0) {
    reading.kind = LossKind::mse;
  } else if (absolutes > 0) {
    reading.kind = LossKind::mae;
  }
  return reading;
}

std::string_view words(LossKind kind) noexcept {
  switch (kind) {
    case LossKind::cross_entropy: return "cross-entropy on logits";
    case LossKind::nll: return "negative log-likelihood";
    case LossKind::bce: return "binary cross-entropy on probabilities";
    case LossKind::bce_logits: return "binary cross-entropy on logits";
    case LossKind::categorical_on_probabilities: return "cross-entropy on probabilities";
    case LossKind::kl: return "Kullback-Leibler divergence";
    case LossKind::mse: return "squared error";
    case LossKind::mae: return "absolute error";
    case LossKind::hinge: return "hinge loss";
    case LossKind::unknown: break;
  }
  return "a loss of its own";
}

std::string_view words(Output output) noexcept {
  switch (output) {
    case Output::linear: return "a linear layer";
    case Output::softmax: return "softmax";
    case Output::log_softmax: return "log-softmax";
    case Output::sigmoid: return "sigmoid";
    case Output::tanh: return "tanh";
    case Output::rectifier: return "a rectifier";
    case Output::exponential: return "exp";
    case Output::other: return "another operation";
    case Output::unknown: break;
  }
  return "an unknown operation";
}

bool classifies(LossKind kind) noexcept {
  return kind == LossKind::cross_entropy || kind == LossKind::nll || kind == LossKind::bce ||
         kind == LossKind::bce_logits || kind == LossKind::categorical_on_probabilities || kind == LossKind::hinge;
}

}  // namespace sonde::analysis
