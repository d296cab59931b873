// Which rules are applied.
#include "rules/registry.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "rules/say.h"
#include "rules/sketch.h"

namespace sonde::testing {
namespace {

Sketch with_two_layers_in_a_row() {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 32).linear("fc2", 4).cross_entropy();
  return sketch;
}

bool found_by(const std::vector<rules::Found>& found, const std::string& rule) {
  return std::ranges::any_of(found, [&](const rules::Found& one) { return one.rule == rule; });
}

class OwnRule : public Rule {
 public:
  explicit OwnRule(bool fails = false) : fails_(fails) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "no-wide-layers"; }
  [[nodiscard]] std::vector<Violation> check(const MetaModel& model) const override {
    if (fails_) throw std::runtime_error("a mistake of the user's");
    return {rules::advice_at(model.operations.back(), Cause::wrong_layer_width, 0.9, "too wide for our device")};
  }

 private:
  bool fails_;
};

TEST(Registry, NamesAreUniqueAndKnown) {
  std::set<std::string_view> names;
  for (const auto& rule : rules::all_rules()) {
    EXPECT_TRUE(names.insert(rule->name()).second) << rule->name();
    EXPECT_TRUE(rules::is_rule(rule->name()));
  }
  EXPECT_FALSE(rules::is_rule("no-such-rule"));
}

TEST(Registry, ARuleCanBeSwitchedOff) {
  const Sketch sketch = with_two_layers_in_a_row();
  EXPECT_TRUE(found_by(rules::apply_rules(sketch.model, {}), "no-activation"));
  EXPECT_FALSE(found_by(rules::apply_rules(sketch.model, {.off = {"no-activation"}, .own = {}}), "no-activation"));
}

TEST(Registry, AUsersRuleIsAppliedAndMayFail) {
  const Sketch sketch = with_two_layers_in_a_row();
  rules::RuleChoice choice;
  choice.own = {std::make_shared<OwnRule>(true), nullptr, std::make_shared<OwnRule>()};
  const auto found = rules::apply_rules(sketch.model, choice);
  EXPECT_TRUE(found_by(found, "no-wide-layers"));
  EXPECT_TRUE(found_by(found, "no-activation"));
}

TEST(Registry, AnEmptyModelBreaksNoRule) { EXPECT_TRUE(rules::apply_rules(MetaModel(), {}).empty()); }

}  // namespace
}  // namespace sonde::testing
