// Look-back: what had been growing before something broke.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/run.h"

namespace sonde::analysis {

struct LookBack {
  double loss_growth = 1;        // level of the last losses over the initial level, 1 if unknown or of mixed sign
  double activation_growth = 1;  // of the operation that grew most, last observed step over its baseline
  std::uint32_t activation = 0;
  double weight_growth = 1;
  std::uint32_t weight = 0;
  double update = 0;  // the largest relative update of a weight matrix on the last observed step
  std::uint32_t updated = 0;

  // True if the run was diverging by more than one account, or beyond doubt by one.
  [[nodiscard]] bool diverging() const noexcept;
  // One sentence for each thing that grew.
  [[nodiscard]] std::vector<std::string> sentences(const Run& run) const;
};

[[nodiscard]] LookBack look_back(const Run& run);

}  // namespace sonde::analysis
