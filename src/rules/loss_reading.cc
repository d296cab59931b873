#include "rules/loss_reading.h"

#include <algorithm>
#include <string>

namespace sonde::rules {
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
    case OpClass::softmax:
      return Output::softmax;
    case OpClass::log_softmax:
      return Output::log_softmax;
    case OpClass::rectifier:
      return Output::rectifier;
    case OpClass::saturating:
      return name == "sigmoid" || name == "hardsigmoid" ? Output::sigmoid : Output::tanh;
    case OpClass::linear:
    case OpClass::convolution:
      return Output::linear;
    default:
      return name == "exp" ? Output::exponential : name == "add" ? Output::linear : Output::other;
  }
}

}  // namespace

namespace {

// What made `prediction`, and how wide it is.
void read_output(const Graph& graph, const trace::Program& program, LossReading& reading) {
  const Site& site = graph.site(reading.prediction);
  if (reading.prediction == 0) return;
  reading.output = output_of(site);
  const auto& shape = reading.prediction == graph.prediction() && !program.prediction_shape.empty()
                          ? program.prediction_shape
                          : site.shape;
  if (shape.size() >= 2) reading.width = shape.size() > 2 ? shape[1] : shape.back();
  if (shape.size() == 1) reading.width = 1;
}

// True if `log` takes the prediction itself, scaled, bounded or subtracted from one, and nothing else.
bool takes_prediction(const Graph& graph, std::uint32_t log, std::uint32_t prediction) {
  std::uint32_t at = log;
  for (int hops = 0; hops < 12; ++hops) {
    std::uint32_t next = 0;
    for (const std::uint32_t input : graph.site(at).inputs) {
      if (input == prediction || graph.reaches(prediction, input)) next = next == 0 ? input : next;
    }
    if (next == prediction) return true;
    const std::string name = base(graph.site(next).operation);
    const bool harmless = passes_on(graph.site(next).op_class) || name == "div" || name.starts_with("clamp") ||
                          name == "add" || name == "sub" || name == "rsub" || name == "mul";
    if (next == 0 || !harmless) return false;
    at = next;
  }
  return false;
}

// max(0, 1 - y o): what is not above the margin counts.
bool is_margin(const Graph& graph, std::uint32_t id) {
  const std::string name = base(graph.site(id).operation);
  if (name != "clamp_min" && name != "clamp" && name != "relu") return false;
  const std::uint32_t operand = graph.operand(id);
  const std::string made_by = base(graph.site(operand).operation);
  if (made_by != "rsub" && made_by != "sub" && made_by != "add") return false;
  const auto& terms = graph.site(operand).inputs;  // the one of `1 - x` is a tensor as well
  return graph.in_loss(operand) &&
         std::ranges::any_of(terms, [&](std::uint32_t term) { return base(graph.site(term).operation) == "mul"; });
}

LossReading read_composite(const Graph& graph, const trace::Program& program) {
  LossReading reading;
  reading.prediction = graph.prediction();
  reading.composite = true;
  read_output(graph, program, reading);
  if (reading.prediction == 0) return reading;
  int logs = 0;
  int squares = 0;
  int absolutes = 0;
  int margins = 0;
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    if (id == reading.prediction || !graph.in_loss(id)) continue;
    const std::string name = base(graph.site(id).operation);
    if (name == "log") {
      if (!takes_prediction(graph, id, reading.prediction)) return reading;  // of something else: a loss of its own
      ++logs;
    }
    squares += name == "pow" || name == "square" ? 1 : 0;
    absolutes += name == "abs" ? 1 : 0;
    margins += is_margin(graph, id) ? 1 : 0;
  }
  if (margins > 0 && logs + squares + absolutes == 0) reading.kind = LossKind::hinge;
  if (logs > 0 && squares + absolutes > 0) return reading;
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

}  // namespace

LossReading read_loss(const Graph& graph, const trace::Program& program) {
  LossReading reading;
  bool found = false;
  for (std::uint32_t id = 1; id < graph.size(); ++id) {
    const Site& site = graph.site(id);
    if (site.op_class != OpClass::loss) continue;
    LossReading one;
    one.kind = kind_of(base(site.operation));
    one.prediction = graph.operand(id);
    one.target = site.inputs.size() > 1 ? site.inputs[1] : 0;
    read_output(graph, program, one);
    // Several terms that are not alike: no single reading holds.
    if (found && (one.kind != reading.kind || one.output != reading.output)) return LossReading();
    reading = one;
    found = true;
  }
  return found ? reading : read_composite(graph, program);
}

std::string_view words(LossKind kind) noexcept {
  switch (kind) {
    case LossKind::cross_entropy:
      return "cross-entropy on logits";
    case LossKind::nll:
      return "negative log-likelihood";
    case LossKind::bce:
      return "binary cross-entropy on probabilities";
    case LossKind::bce_logits:
      return "binary cross-entropy on logits";
    case LossKind::categorical_on_probabilities:
      return "cross-entropy on probabilities";
    case LossKind::kl:
      return "Kullback-Leibler divergence";
    case LossKind::mse:
      return "squared error";
    case LossKind::mae:
      return "absolute error";
    case LossKind::hinge:
      return "hinge loss";
    case LossKind::unknown:
      break;
  }
  return "a loss of its own";
}

std::string_view words(Output output) noexcept {
  switch (output) {
    case Output::linear:
      return "a linear layer";
    case Output::softmax:
      return "softmax";
    case Output::log_softmax:
      return "log-softmax";
    case Output::sigmoid:
      return "sigmoid";
    case Output::tanh:
      return "tanh";
    case Output::rectifier:
      return "a rectifier";
    case Output::exponential:
      return "exp";
    case Output::other:
      return "another operation";
    case Output::unknown:
      break;
  }
  return "an unknown operation";
}

bool classifies(LossKind kind) noexcept {
  return kind == LossKind::cross_entropy || kind == LossKind::nll || kind == LossKind::bce ||
         kind == LossKind::bce_logits || kind == LossKind::categorical_on_probabilities || kind == LossKind::hinge;
}

}  // namespace sonde::rules
