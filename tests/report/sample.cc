#include "sample.h"

namespace sonde::report {

Finding log_of_zero() {
  Finding finding;
  finding.severity = Severity::error;
  finding.origin = {.kind = "non-finite",
                    .where = {"head.log", "", "aten::log", Phase::forward, {"src/net/train.cpp", "loss_of", 41}},
                    .step = 37,
                    .severity = Severity::error,
                    .message = "12 of 640 values are -inf; the input was finite, min 0 (12 exact zeros)"};
  finding.context = {"head.softmax underflowed: logits of head.fc span [-118, 131], grown 41x in 20 steps"};
  finding.causes = {
      {Cause::log_of_zero, 0.96, finding.origin.where, {}, "log_softmax with nll_loss never takes the log of zero"},
      {Cause::learning_rate_too_high,
       0.71,
       {"", "optimizer", "", Phase::update, {"src/net/train.cpp", "main", 38}},
       {"relative update of head.fc 0.31, other layers 0.002 to 0.008"},
       "lower the learning rate (0.5): the gain ratio has been negative since step 19"}};
  finding.followed_by = {
      {"non-finite", {"", "loss", "aten::nll_loss", Phase::loss, {}}, 37, Severity::error, "the loss is inf"}};
  finding.followed_by_count = 61;
  finding.followed_by_layers = 9;
  finding.last_step = 37;
  finding.kept = "the update of step 37 was not applied (on_fault = abort)";
  return finding;
}

Finding redundant_dropout() {
  Finding finding;
  finding.severity = Severity::advice;
  finding.origin = {.kind = "redundant-dropout",
                    .where = {"drop", "", "aten::dropout", Phase::forward, {"train.cpp", "main", 12}},
                    .step = 0,
                    .severity = Severity::advice,
                    .message = "two dropout layers follow each other"};
  finding.causes = {{Cause::redundant_dropout, 0.6, finding.origin.where, {}, "remove one of them"}};
  return finding;
}

namespace {

Finding vanishing_gradient() {
  Finding finding;
  finding.severity = Severity::warning;
  finding.origin = {.kind = "vanishing-gradient",
                    .where = {"fc1", "", "", Phase::gradient, {}},
                    .step = 4,
                    .severity = Severity::warning,
                    .message =
                        "the gradient is 3e-09 of that of fc7 on 16 of 16 observed steps, and falls by a factor "
                        "of 24 at every layer between them"};
  finding.causes = {{Cause::unknown, 0, finding.origin.where, {}, {}}};
  finding.followed_by_count = 1;
  finding.last_step = 80;
  return finding;
}

}  // namespace

Report healthy() {
  Report report;
  report.context = {.monitor = "sonde",
                    .sonde_version = "0.1.0",
                    .torch_version = "1.13.1",
                    .device = "cpu",
                    .optimizer = "SGD lr 0.5",
                    .loss = "nll_loss, mean",
                    .task = "multiclass",
                    .task_reason = "targets are whole numbers from 0 to 9",
                    .layers = 4,
                    .parameters = 4810,
                    .steps = 1200,
                    .observed_steps = 60,
                    .first_loss = 2.3127,
                    .last_loss = 0.0412};
  report.cost = {.step_seconds = 12.5, .monitor_seconds = 0.1125, .records = 34567, .dropped = 0};
  return report;
}

Report sick() {
  Report report = healthy();
  report.findings = {log_of_zero(), vanishing_gradient(), redundant_dropout()};
  report.not_observed = {{"emb.weight", "sparse gradient", 60}, {"quant", "quantized", 1}};
  return report;
}

}  // namespace sonde::report
