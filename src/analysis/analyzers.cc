#include "analysis/analyzers.h"

#include <algorithm>

#include "analysis/batches.h"
#include "analysis/constant_output.h"
#include "analysis/contract.h"
#include "analysis/frozen.h"
#include "analysis/gradient_flow.h"
#include "analysis/loss_course.h"
#include "analysis/non_finite.h"
#include "analysis/pace.h"
#include "analysis/scales.h"
#include "analysis/sizes.h"
#include "analysis/units.h"
#include "rules/registry.h"

namespace sonde::analysis {

std::vector<std::unique_ptr<Analyzer>> make_analyzers() {
  std::vector<std::unique_ptr<Analyzer>> all;
  all.push_back(std::make_unique<NonFiniteAnalyzer>());
  all.push_back(std::make_unique<ContractAnalyzer>());
  all.push_back(std::make_unique<FrozenLayerAnalyzer>());
  all.push_back(std::make_unique<GradientFlowAnalyzer>());
  all.push_back(std::make_unique<GradientStopAnalyzer>());
  all.push_back(std::make_unique<SaturationAnalyzer>());
  all.push_back(std::make_unique<DeadUnitsAnalyzer>());
  all.push_back(std::make_unique<IdenticalUnitsAnalyzer>());
  all.push_back(std::make_unique<LossCourseAnalyzer>());
  all.push_back(std::make_unique<InputScaleAnalyzer>());
  all.push_back(std::make_unique<TargetScaleAnalyzer>());
  all.push_back(std::make_unique<ConstantOutputAnalyzer>());
  all.push_back(std::make_unique<UpdateSizeAnalyzer>());
  all.push_back(std::make_unique<PaceAnalyzer>());
  all.push_back(std::make_unique<ActivationSizeAnalyzer>());
  all.push_back(std::make_unique<BatchOrderAnalyzer>());
  return all;
}

std::vector<std::string_view> symptom_kinds() {
  std::vector<std::string_view> kinds = contract_kinds();
  kinds.push_back(kFrozenLayer);
  for (auto sign = Sign::non_finite; sign <= kLastSign; sign = static_cast<Sign>(static_cast<std::uint8_t>(sign) + 1)) {
    // These two stand for what has a name of its own.
    if (sign != Sign::contract && sign != Sign::structure) kinds.push_back(name_of(sign));
  }
  for (const auto& rule : rules::all_rules()) {
    if (std::ranges::find(kinds, rule->name()) == kinds.end()) kinds.push_back(rule->name());
  }
  return kinds;
}

}  // namespace sonde::analysis
