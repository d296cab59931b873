// Rule loss-mismatch: output activation, loss and labels do not fit each other (Theia LLM; UMLAUT; NeuraLint 8, 12, 15,
// 17, 20). Read off the operations, losses written by hand included, so it is certain: a warning where the pair cannot
// work, advice where it works badly. Healthy: logits with cross_entropy or bce_with_logits, log_softmax with nll_loss,
// sigmoid with binary cross-entropy, softmax with -(y log p), no activation with squared errors.
#include <optional>

#include <fmt/format.h>

#include "rules/checks.h"
#include "rules/loss_reading.h"

namespace sonde::rules {
namespace {

struct Mismatch {
  Severity severity;
  Cause cause;  // at the output
  double confidence;
  Cause also;  // at the loss
  double also_confidence;
  std::string why;
};

std::optional<Mismatch> judge(const MetaModel& model, const TensorFacts& prediction) {
  using enum Severity;
  const LossFacts& reading = model.loss;
  const bool one_hot = model.labels.one_hot && reading.width > 1;
  switch (reading.kind) {
    case LossKind::cross_entropy:
      if (reading.output == Output::softmax) {
        return Mismatch{
            warning, Cause::redundant_activation,
            0.95,    Cause::loss_output_mismatch,
            0.85,    "cross_entropy applies log_softmax itself; a second softmax bounds its logits to [0, 1]"};
      }
      if (reading.output == Output::sigmoid) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.9,     Cause::loss_output_mismatch,
                        0.7,     "cross_entropy takes logits; a sigmoid bounds them to (0, 1)"};
      }
      if (reading.output == Output::tanh || reading.output == Output::rectifier) {
        return Mismatch{advice, Cause::wrong_output_activation,          0.6, Cause::loss_output_mismatch,
                        0.4,    "cross_entropy takes logits of any size"};
      }
      break;
    case LossKind::nll:
      if (reading.output != Output::log_softmax && reading.output != Output::unknown && prediction.max > 1e-6) {
        return Mismatch{
            warning,
            Cause::wrong_output_activation,
            0.9,
            Cause::loss_output_mismatch,
            0.85,
            fmt::format("nll_loss takes log-probabilities, which are never positive; the largest here is {}",
                        number(prediction.max))};
      }
      break;
    case LossKind::kl:
      if (reading.output != Output::log_softmax && reading.output != Output::unknown && prediction.max > 1e-6) {
        return Mismatch{warning,
                        Cause::wrong_output_activation,
                        0.9,
                        Cause::loss_output_mismatch,
                        0.85,
                        fmt::format("kl_div takes log-probabilities, which are never positive; the largest here is {}",
                                    number(prediction.max))};
      }
      break;
    case LossKind::hinge:
      if (reading.output == Output::sigmoid || reading.output == Output::softmax) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.9,     Cause::loss_output_mismatch,
                        0.7,     "a hinge loss wants outputs below -1 and above 1; these are never negative"};
      }
      break;
    case LossKind::bce_logits:
      if (reading.output == Output::sigmoid || reading.output == Output::softmax) {
        return Mismatch{warning, Cause::redundant_activation,
                        0.95,    Cause::loss_output_mismatch,
                        0.85,    "binary_cross_entropy_with_logits applies a sigmoid itself"};
      }
      break;
    case LossKind::bce:
      if (reading.output == Output::linear || reading.output == Output::rectifier || reading.output == Output::tanh) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.9,     Cause::loss_output_mismatch,
                        0.7,     "binary cross-entropy takes probabilities"};
      }
      if (reading.output == Output::softmax && model.labels.multi_hot) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.9,     Cause::loss_output_mismatch,
                        0.6,     "several labels hold for one sample, but softmax shares one among them"};
      }
      if (reading.output == Output::softmax && reading.width > 1) {
        return Mismatch{
            advice, Cause::wrong_output_activation,
            0.6,    Cause::wrong_loss,
            0.55,   "softmax gives one distribution over the classes, binary cross-entropy judges each on its own"};
      }
      if (reading.output == Output::sigmoid && one_hot) {
        return Mismatch{advice, Cause::wrong_loss,
                        0.6,    Cause::wrong_output_activation,
                        0.55,   "the labels are one-hot: softmax with cross-entropy judges the classes together"};
      }
      break;
    case LossKind::categorical_on_probabilities:
      if (reading.output == Output::linear || reading.output == Output::rectifier || reading.output == Output::tanh) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.93,    Cause::loss_domain,
                        0.5,     "the loss takes the logarithm of what should be probabilities"};
      }
      if (reading.output == Output::softmax && model.labels.multi_hot) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.85,    Cause::wrong_loss,
                        0.8,     "several labels hold for one sample, but softmax shares one among them"};
      }
      if (reading.output == Output::sigmoid && reading.width > 1) {
        return Mismatch{
            advice, Cause::wrong_output_activation,
            0.8,    Cause::loss_output_mismatch,
            0.6,    "categorical cross-entropy takes a distribution over the classes; sigmoids do not sum to 1"};
      }
      if (reading.output == Output::sigmoid && reading.width == 1) {
        return Mismatch{warning, Cause::wrong_loss,
                        0.85,    Cause::loss_output_mismatch,
                        0.7,     "categorical cross-entropy over one unit is no loss for the second class"};
      }
      break;
    case LossKind::mse:
    case LossKind::mae:
      if (reading.output == Output::softmax && model.labels.multi_hot) {
        return Mismatch{warning, Cause::wrong_output_activation,
                        0.85,    Cause::wrong_loss,
                        0.8,     "several labels hold for one sample, but softmax shares one among them"};
      }
      if (one_hot && reading.output == Output::softmax) {
        return Mismatch{
            advice,
            Cause::wrong_loss,
            0.75,
            Cause::loss_output_mismatch,
            0.5,
            fmt::format("{} over classes has hardly any slope where the answer is wrong and sure", words(reading.kind))};
      }
      if (one_hot) {
        return Mismatch{advice, Cause::wrong_loss,
                        0.7,    Cause::wrong_output_activation,
                        0.6,    fmt::format("one-hot labels are judged by {}", words(reading.kind))};
      }
      if (reading.output == Output::sigmoid && model.labels.zero_or_one && model.labels.values.deviation > 0) {
        return Mismatch{advice, Cause::wrong_loss,
                        0.6,    Cause::loss_output_mismatch,
                        0.5,    fmt::format("yes-or-no labels are judged by {}", words(reading.kind))};
      }
      break;
    default:
      break;
  }
  return std::nullopt;
}

bool belongs_to_loss(Cause cause) {
  return cause == Cause::wrong_loss || cause == Cause::loss_domain || cause == Cause::loss_output_mismatch;
}

}  // namespace

Violations check_loss_mismatch(const MetaModel& model) {
  const Operation* prediction = model.find(model.loss.prediction);
  if (prediction == nullptr || prediction->output.count == 0) return {};
  const std::optional<Mismatch> mismatch = judge(model, prediction->output);
  if (!mismatch) return {};
  Violation violation;
  violation.severity = mismatch->severity;
  violation.operation = prediction->id;
  violation.message = fmt::format("{} feeds {}", words(model.loss.output), words(model.loss.kind));
  violation.context.push_back(mismatch->why);
  const auto blame = [&](Cause cause, double confidence) {
    violation.causes.push_back(
        {cause, confidence, prediction->id, belongs_to_loss(cause) ? "loss" : "", mismatch->why});
  };
  blame(mismatch->cause, mismatch->confidence);
  blame(mismatch->also, mismatch->also_confidence);
  return {violation};
}

}  // namespace sonde::rules
