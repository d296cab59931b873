// Rule label-range: labels that the loss is not made for. A warning where the loss has no minimum for them.
// Formula: binary_cross_entropy_with_logits with labels outside [-0.5, 1.5] (noisy labels for GANs go up to 1.2);
// hinge losses, hand-written ones too, and soft_margin_loss with labels 0 and 1 in place of -1 and 1. Advice: cross_entropy with several
// labels set in a row.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {
namespace {

Violations broken(std::string message) {
  Violation violation = advice_on("labels", Cause::labels_out_of_range, 0.94, std::move(message));
  violation.severity = Severity::warning;
  violation.causes.push_back({Cause::wrong_loss, 0.5, 0, "loss", {}});
  return {violation};
}

}  // namespace

Violations check_label_range(const MetaModel& model) {
  constexpr double kSlack = 0.5;
  const TensorFacts& labels = model.labels.values;
  const std::string& loss = model.loss.operation;
  if (!labels.known()) return {};
  const bool outside = labels.min < -kSlack || labels.max > 1 + kSlack;
  if (model.loss.kind == LossKind::bce_logits && !model.loss.composite && outside) {
    return broken(fmt::format("labels lie in [{}, {}]; binary cross-entropy has no minimum outside [0, 1]",
                              number(labels.min), number(labels.max)));
  }
  const bool signs = loss.find("hinge_embedding_loss") != std::string::npos ||
                     loss.find("soft_margin_loss") == std::string("aten::").size();
  const bool by_hand = model.loss.kind == LossKind::hinge && model.loss.composite;
  if ((signs || by_hand) && model.labels.zero_or_one && labels.min == 0) {
    return broken(fmt::format("labels are 0 and 1; {} takes -1 and 1, and learns nothing from a 0",
                              by_hand ? "a hinge loss" : loss));
  }
  if (model.loss.kind == LossKind::cross_entropy && model.labels.multi_hot) {
    return {advice_on("loss", Cause::wrong_loss, 0.5,
                      "several labels are set in a row; cross_entropy shares one among them")};
  }
  return {};
}

}  // namespace sonde::rules
