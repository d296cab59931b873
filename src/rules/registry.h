// The list of all rules: the one place to add a new one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/meta_model.h>
#include <sonde/rules.h>

namespace sonde::rules {

// Sonde's own, in the order of docs/checks.md.
[[nodiscard]] const std::vector<std::unique_ptr<const Rule>>& all_rules();
[[nodiscard]] bool is_rule(std::string_view name);

// Which rules are applied: those of Sonde without the ones switched off, then the user's own.
struct RuleChoice {
  std::vector<std::string> off;
  std::vector<std::shared_ptr<const Rule>> own;
  bool all_habits = false;  // tell the weak ones too
};

struct Found {
  std::string rule;
  unsigned explains = 0;
  Violation violation;
};
// In the order of the rules. A rule that throws finds nothing.
[[nodiscard]] std::vector<Found> apply_rules(const MetaModel& model, const RuleChoice& choice);

}  // namespace sonde::rules
