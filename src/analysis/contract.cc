#include "analysis/contract.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace sonde::analysis {
namespace {

using trace::Contract;
using trace::ContractFacts;
using trace::Record;

struct Rule {
  std::string_view topic;
  Severity severity;
  Cause cause;
  std::string_view part;  // empty: the record's site
  std::string_view also_part;
  Cause also;
};

std::optional<Rule> rule_of(Contract what) {
  using enum Severity;
  switch (what) {
    case Contract::parameter_not_registered:
      return Rule{"parameter-not-registered", warning, Cause::parameter_not_registered, "model", "", Cause::unknown};
    case Contract::parameter_not_optimized:
      return Rule{"parameter-not-optimized", warning, Cause::parameter_not_optimized, "", "", Cause::unknown};
    case Contract::parameter_without_gradient:
      return Rule{"parameter-without-gradient", warning, Cause::detached_graph, "", "", Cause::unknown};
    case Contract::parameter_not_updated:
      return Rule{"parameter-not-updated",  warning, Cause::parameter_not_optimized, "", "optimizer",
                  Cause::optimizer_settings};
    case Contract::gradients_not_cleared:
      return Rule{"gradients-not-cleared", warning, Cause::missing_zero_grad, "loop", "", Cause::unknown};
    case Contract::step_missing:
      return Rule{"step-missing", error, Cause::missing_step, "loop", "optimizer", Cause::parameter_not_optimized};
    case Contract::graph_cut:
      return Rule{"graph-cut", warning, Cause::detached_graph, "", "", Cause::unknown};
    case Contract::eval_while_training:
      return Rule{"eval-while-training", warning, Cause::eval_mode_while_training, "loop", "", Cause::unknown};
    case Contract::batch_repeated:
      return Rule{"batch-repeated", advice, Cause::repeated_batch, "loop", "data", Cause::too_little_data};
    case Contract::loss_broadcast:
      return Rule{"loss-broadcast", warning, Cause::loss_broadcast, "loss", "labels", Cause::labels_shape_mismatch};
    case Contract::learning_rate_in_defaults:
      return Rule{"learning-rate-in-defaults", warning, Cause::optimizer_settings, "optimizer", "", Cause::unknown};
    case Contract::learning_rate_zero:
      return Rule{"learning-rate-zero", error,       Cause::learning_rate_too_low,
                  "optimizer",          "optimizer", Cause::optimizer_settings};
    case Contract::module_registered_not_used:
      return Rule{"module-not-used", advice, Cause::detached_graph, "", "", Cause::unknown};
    case Contract::parameter_frozen:
      break;
  }
  return std::nullopt;
}

std::string shape_text(const std::int64_t (&shape)[4]) {
  std::string text = "[";
  for (std::size_t i = 0; i < 4 && shape[i] >= 0; ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  return text + "]";
}

std::string message_of(const ContractFacts& facts, const std::string& name) {
  switch (facts.what) {
    case Contract::parameter_not_registered:
      return fmt::format("{} takes part in the loss and requires a gradient, but is no parameter of the model", name);
    case Contract::parameter_not_optimized:
      return fmt::format("{} gets a gradient, but no optimizer holds it", name);
    case Contract::parameter_without_gradient:
      return fmt::format("{} is in the optimizer, but has had no gradient in {} steps while others have", name,
                         facts.seen);
    case Contract::parameter_not_updated:
      return fmt::format("{} has a gradient and is in the optimizer at a rate of {}, but step() leaves it as it is",
                         name, number(facts.got));
    case Contract::gradients_not_cleared:
      return fmt::format("gradients of earlier steps were still there on {} steps: they add up", facts.seen);
    case Contract::step_missing:
      return fmt::format("{} backward passes, and no weight has changed", facts.seen);
    case Contract::graph_cut:
      return fmt::format("{} runs in the forward pass, but the loss does not depend on it", name);
    case Contract::eval_while_training:
      return fmt::format("weights are trained in eval mode: dropout is off, batch norm uses old statistics ({} steps)",
                         facts.seen);
    case Contract::batch_repeated:
      return fmt::format("the same batch on {} steps in a row", facts.seen);
    case Contract::loss_broadcast:
      return fmt::format("prediction {} and target {} of the loss broadcast against each other",
                         shape_text(facts.shape_a), shape_text(facts.shape_b));
    case Contract::learning_rate_in_defaults:
      return fmt::format("optimizer.defaults() says a rate of {}, the parameter groups still use {}", number(facts.got),
                         number(facts.wanted));
    case Contract::learning_rate_zero:
      return fmt::format("the learning rate is 0 ({} steps)", facts.seen);
    case Contract::module_registered_not_used:
      return fmt::format("{} is registered, but never used", name);
    case Contract::parameter_frozen:
      break;
  }
  return "a rule of the training loop is broken";
}

// True if the update is so small that the weight swallows it in rounding: nothing is wrong with the optimizer then.
bool rounded_away(const Run& run, std::uint32_t parameter) {
  constexpr double kRounding = 1e-6;  // single precision, with some room
  const Series* gradient = run.series().find(parameter, Phase::gradient);
  const Series* weight = run.series().find(parameter, Phase::weight);
  if (gradient == nullptr || weight == nullptr) return false;
  const double size = gradient->recent_median(Series::kRecent);
  const double rate = run.learning_rate() > 0 ? run.learning_rate() : 1;
  return size * std::max(rate, 1e-2) < kRounding * weight->last().value;
}

}  // namespace

std::vector<std::string_view> contract_kinds() {
  std::vector<std::string_view> kinds;
  for (auto what = Contract::parameter_not_registered; what <= Contract::module_registered_not_used;
       what = static_cast<Contract>(static_cast<std::uint8_t>(what) + 1)) {
    if (const std::optional<Rule> rule = rule_of(what)) kinds.push_back(rule->topic);
  }
  return kinds;
}

void ContractAnalyzer::end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) {
  for (const Record& record : step.others()) {
    if (record.kind != trace::RecordKind::contract) continue;
    const std::optional<Rule> rule = rule_of(record.contract.what);
    if (!rule) continue;
    Sighting sighting;
    sighting.sign = Sign::contract;
    sighting.topic = rule->topic;
    sighting.site = record.site;
    sighting.phase = record.phase;
    sighting.withdrawn = (record.flags & trace::kWithdrawn) != 0;
    if (sighting.withdrawn) {
      seen.push_back(std::move(sighting));
      continue;
    }
    if (record.contract.what == Contract::parameter_not_updated && rounded_away(run, record.site)) continue;
    // Seen a few times it is very likely, seen often it is certain.
    const bool certain = record.contract.seen >= trace::kCertainSteps;
    sighting.severity = certain ? rule->severity : std::min(rule->severity, Severity::warning);
    if (record.contract.what == Contract::batch_repeated) {
      if (run.closures()) continue;  // closure optimizers want the same data, in every evaluation and every step
      // Training on the whole set as one batch looks the same, unless more rows are seen to be there.
      const bool more_rows = run.data_rows() > run.batch_rows();
      if (!more_rows && !certain) continue;
      if (more_rows && certain) sighting.severity = Severity::warning;
      if (more_rows)
        sighting.context.push_back(
            fmt::format("the data have {} rows, the batch {}", run.data_rows(), run.batch_rows()));
    }
    if (rule->part != "model") sighting.part = rule->part;
    sighting.step = record.step;
    sighting.position = record.position;
    sighting.message = message_of(record.contract, run.graph().name(record.site));
    sighting.suspects.push_back({rule->cause, 0.97, record.site, std::string(rule->part), sighting.message});
    if (rule->also != Cause::unknown) {
      sighting.suspects.push_back({rule->also, 0.5, record.site, std::string(rule->also_part), {}});
    }
    seen.push_back(std::move(sighting));
  }
}

}  // namespace sonde::analysis
