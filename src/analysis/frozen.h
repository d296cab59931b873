// Frozen layers: which of them look like an accident.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Its name in reports, as that of a contract.
inline constexpr std::string_view kFrozenLayer = "parameter-frozen";

// A layer that does not learn between layers that do, or one before them that still has the values it was made with
// (warning). Look-alikes, which are silent: a trained beginning that was frozen (fine tuning) or a frozen end (a network
// that only judges, as in a GAN), frozen normalisation, and adapters, where the frozen layers are the greater part.
class FrozenLayerAnalyzer final : public Analyzer {
 public:
  static constexpr double kMinority = 1.0 / 3;  // share of the weight matrices that may be frozen by accident

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  struct Frozen {
    std::uint32_t weight = 0;
    bool optimized = false;  // the optimizer was given it
  };
  std::vector<Frozen> frozen_;  // weight matrices
};

}  // namespace sonde::analysis
