// Contracts: rules of the training loop that the probe saw broken.
#pragma once

#include <string_view>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// The names of all contracts, as reports show them.
[[nodiscard]] std::vector<std::string_view> contract_kinds();

// Turns contract records into sightings. The probe judges; here each gets its words, cause and severity. A frozen
// parameter is a fact, not a fault: see frozen.h.
class ContractAnalyzer final : public Analyzer {
 public:
  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;
};

}  // namespace sonde::analysis
