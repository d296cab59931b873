#include "rules/registry.h"

#include <algorithm>
#include <exception>

#include "rules/checks.h"

namespace sonde::rules {
namespace {

class OwnRule final : public Rule {
 public:
  using Check = Violations (*)(const MetaModel&);
  OwnRule(std::string_view name, unsigned explains, Check check) : name_(name), explains_(explains), check_(check) {}
  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] unsigned explains() const noexcept override { return explains_; }
  [[nodiscard]] Violations check(const MetaModel& model) const override { return check_(model); }

 private:
  std::string_view name_;
  unsigned explains_;
  Check check_;
};

struct Entry {
  std::string_view name;
  unsigned explains;
  OwnRule::Check check;
};

constexpr unsigned kAll = kStuck | kDiverging | kFaint;

constexpr Entry kRules[] = {
    {"loss-mismatch", kNothing, check_loss_mismatch},
    {"output-range", kNothing, check_output_range},
    {"constant-output", kNothing, check_one_unit_softmax},
    {"softmax-dimension", kNothing, check_softmax_dimension},
    {"output-width", kStuck, check_output_width},
    {"label-range", kNothing, check_label_range},
    {"constant-labels", kStuck, check_constant_labels},
    {"task", kNothing, check_task},
    {"sum-reduction", kDiverging, check_sum_reduction},
    {"initial-loss", kDiverging | kStuck, check_initial_loss},
    {"no-activation", kStuck, check_missing_activation},
    {"double-activation", kNothing, check_redundant_activation},
    {"hidden-activation", kStuck | kFaint, check_hidden_activation},
    {"few-convolutions", kStuck, check_few_convolutions},
    {"dense-layers", kNothing, check_dense_layers},
    {"filter-count", kStuck, check_filter_count},
    {"dense-width", kNothing, check_dense_width},
    {"downsampling", kNothing, check_downsampling},
    {"bottleneck", kStuck, check_bottleneck},
    {"kernel-size", kNothing, check_kernel_size},
    {"dropout-rate", kStuck, check_dropout_rate},
    {"dropout-output", kStuck, check_dropout_output},
    {"dropout-twice", kStuck, check_dropout_twice},
    {"dropout-before-normalization", kNothing, check_dropout_before_normalization},
    {"dropout-missing", kNothing, check_dropout_missing},
    {"normalization-missing", kFaint | kDiverging, check_normalization_missing},
    {"normalization-batch", kStuck, check_normalization_batch},
    {"bias-before-normalization", kNothing, check_bias_before_normalization},
    {"equal-weights", kStuck | kFaint, check_equal_weights},
    {"weight-scale", kAll, check_weight_scale},
    {"tied-parameters", kNothing, check_tied_parameters},
    {"untied-parameters", kNothing, check_untied_parameters},
    {"learning-rate-range", kAll, check_learning_rate},
    {"optimizer-settings", kAll, check_optimizer_settings},
    {"batch-size", kNothing, check_batch_size},
    {"little-data", kNothing, check_little_data},
    {"constant-feature", kNothing, check_constant_feature},
    {"feature-scale", kAll, check_feature_scale},
};

}  // namespace

const std::vector<std::unique_ptr<const Rule>>& all_rules() {
  static const std::vector<std::unique_ptr<const Rule>> rules = [] {
    std::vector<std::unique_ptr<const Rule>> all;
    for (const Entry& entry : kRules) all.push_back(std::make_unique<OwnRule>(entry.name, entry.explains, entry.check));
    return all;
  }();
  return rules;
}

bool is_rule(std::string_view name) {
  return std::ranges::any_of(kRules, [name](const Entry& entry) { return entry.name == name; });
}

std::vector<Found> apply_rules(const MetaModel& model, const RuleChoice& choice) {
  std::vector<Found> found;
  const auto apply = [&](const Rule& rule) {
    if (std::ranges::find(choice.off, rule.name()) != choice.off.end()) return;
    try {
      for (Violation& violation : rule.check(model))
        found.push_back({std::string(rule.name()), rule.explains(), std::move(violation)});
    } catch (const std::exception&) {
      // A user's rule; the training and the other rules go on.
    }
  };
  for (const auto& rule : all_rules()) apply(*rule);
  for (const auto& rule : choice.own)
    if (rule != nullptr) apply(*rule);
  return found;
}

}  // namespace sonde::rules
