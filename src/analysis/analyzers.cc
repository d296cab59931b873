#include "analysis/analyzers.h"

#include "analysis/contract.h"
#include "analysis/gradient_flow.h"
#include "analysis/loss_course.h"
#include "analysis/non_finite.h"
#include "analysis/units.h"

namespace sonde::analysis {

std::vector<std::unique_ptr<Analyzer>> make_analyzers() {
  std::vector<std::unique_ptr<Analyzer>> all;
  all.push_back(std::make_unique<NonFiniteAnalyzer>());
  all.push_back(std::make_unique<ContractAnalyzer>());
  all.push_back(std::make_unique<GradientFlowAnalyzer>());
  all.push_back(std::make_unique<GradientStopAnalyzer>());
  all.push_back(std::make_unique<SaturationAnalyzer>());
  all.push_back(std::make_unique<DeadUnitsAnalyzer>());
  all.push_back(std::make_unique<IdenticalUnitsAnalyzer>());
  all.push_back(std::make_unique<LossCourseAnalyzer>());
  return all;
}

}  // namespace sonde::analysis
