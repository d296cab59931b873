#include "rules/task.h"

#include <string>

#include <fmt/format.h>

#include "rules/loss_reading.h"

namespace sonde::rules {
namespace {

// The target is the input itself, or a tensor with the very same statistics.
bool target_is_input(const MetaModel& model) {
  const TensorFacts& input = model.input.values;
  const TensorFacts& target = model.labels.values;
  return input.known() && target.known() && input.deviation > 0 &&
         ((model.input.site != 0 && model.input.site == model.labels.site) ||
          (input.count == target.count && input.mean == target.mean && input.rms == target.rms));
}

void say(MetaModel& model, std::string task, std::string reason) {
  model.task = std::move(task);
  model.task_reason = std::move(reason);
}

// "mse_loss", or how a loss of single operations reads.
std::string loss_name(const MetaModel& model) {
  const std::string& name = model.loss.operation;
  if (!name.empty()) return name.starts_with("aten::") ? name.substr(6) : name;
  return std::string(words(model.loss.kind)) + ", written by hand";
}

}  // namespace

void infer_task(MetaModel& model) {
  const LabelFacts& labels = model.labels;
  const std::string loss = loss_name(model);
  switch (model.loss.kind) {
    case LossKind::cross_entropy:
    case LossKind::nll:
      return say(model, "multiclass", fmt::format("the loss is {}", loss));
    case LossKind::categorical_on_probabilities:
      if (labels.multi_hot) return say(model, "multilabel", "several labels hold for one sample");
      return say(model, "multiclass", fmt::format("the loss is {}", loss));
    case LossKind::bce:
    case LossKind::bce_logits:
      if (labels.one_hot) return say(model, "multiclass", "binary cross-entropy, but the targets are one-hot");
      return say(model, model.loss.width > 1 ? "multilabel" : "binary",
                 fmt::format("the loss is {} over {} output(s)", loss, std::max<std::int64_t>(1, model.loss.width)));
    case LossKind::mse:
    case LossKind::mae:
      if (labels.one_hot) return say(model, "multiclass", "the targets are one-hot");
      if (labels.multi_hot) return say(model, "multilabel", "several labels hold for one sample");
      if (target_is_input(model)) return say(model, "autoencoder", "the target is the input");
      if (labels.values.known()) return say(model, "regression", fmt::format("the loss is {} on real targets", loss));
      return;
    case LossKind::hinge:
      return say(model, model.loss.width > 1 ? "multiclass" : "binary", fmt::format("the loss is {}", loss));
    default:
      break;
  }
  if (loss.find("multi_margin_loss") == 0) return say(model, "multiclass", "the loss is multi_margin_loss");
  if (loss.find("ctc_loss") == 0) return say(model, "sequence", "the loss is ctc_loss");
}

bool tasks_agree(const MetaModel& model, std::string_view told) {
  const std::string& seen = model.task;
  if (told.empty() || seen.empty() || told == seen) return true;
  const bool numbers = seen == "regression" || seen == "autoencoder";
  if (told == "regression" || told == "autoencoder") return numbers || model.loss.kind == LossKind::mse;
  // A sequence may be classified, or predicted step by step.
  if (told == "sequence" || seen == "sequence") return true;
  // Whole-numbered or two-valued targets of a squared error may stand for classes.
  if (numbers) return model.labels.integral;
  if (told == "binary") return seen == "multiclass" ? model.loss.width <= 2 : false;
  if (told == "multilabel") return seen == "binary";
  return seen == "binary";  // two classes told as several
}

}  // namespace sonde::rules
