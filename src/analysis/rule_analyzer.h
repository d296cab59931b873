// What the rules find (src/rules), as sightings, and how habits join the incidents that they explain.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/analyzer.h"
#include "analysis/incidents.h"
#include "rules/meta_model.h"
#include "rules/registry.h"

namespace sonde::analysis {

// Reads the meta-model of the first observed steps, and again of a program that goes on with other operations, and applies
// the rules. What is certain is told at once. Of the advice at most three findings are made: the surest two and one of all
// others, folded. Habits that most healthy programs have are kept until the run shows what they explain.
class RuleAnalyzer final : public Analyzer {
 public:
  static constexpr double kWorthTelling = 0.3;  // confidence of advice that is told by itself
  static constexpr std::size_t kAlone = 2;      // rules whose advice is a finding of its own, where there are more than
  static constexpr std::size_t kTogether = 3;   // these
  static constexpr std::size_t kPrograms = 64;  // that are read

  explicit RuleAnalyzer(rules::RuleChoice choice) : choice_(std::move(choice)) {}

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

  // Of the last step that was read.
  [[nodiscard]] const MetaModel& model() const noexcept { return model_; }
  // Advice that explains something, told or not.
  [[nodiscard]] const std::vector<Sighting>& habits() const noexcept { return habits_; }

 private:
  void place_advice(std::vector<Sighting> advice, std::vector<Sighting>& seen);
  void keep_habit(const Sighting& sighting);

  rules::RuleChoice choice_;
  MetaModel model_;
  std::vector<Sighting> habits_;
  std::set<std::tuple<std::size_t, std::uint32_t, std::string>> programs_;
  std::map<std::string, std::string> group_of_;  // by rule, once told
  std::size_t alone_ = 0;
};

// True if the incident shows what the habit explains.
[[nodiscard]] bool explains(const Sighting& habit, const Incident& incident);
// True for incidents of nothing but advice from rules.
[[nodiscard]] bool is_habit(const Incident& incident);
// True if every first cause of the advice is among the first causes of a finding that is worse, so that telling it again
// adds nothing.
[[nodiscard]] bool told_by(const Incident& advice, std::span<const Finding> findings);

}  // namespace sonde::analysis
