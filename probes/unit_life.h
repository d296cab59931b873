// UnitLife: how long each unit of a rectifier has been silent, over the observed steps. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "trace/record.h"

namespace sonde::probes {

class UnitLife {
 public:
  // A unit counts as dead when it was silent on so many observed steps in a row.
  static constexpr std::uint16_t kDeadAfter = 8;

  // `alive`: one byte a unit, non-zero where it had a non-zero element in this step. Sets stats.dead_units.
  void update(std::uint32_t site, std::span<const std::uint8_t> alive, trace::TensorStats& stats) {
    auto& silent = silent_[site];
    if (silent.size() != alive.size()) silent.assign(alive.size(), 0);
    stats.dead_units = 0;
    for (std::size_t u = 0; u < alive.size(); ++u) {
      silent[u] = alive[u] ? 0 : static_cast<std::uint16_t>(silent[u] + (silent[u] < UINT16_MAX));
      stats.dead_units += silent[u] >= kDeadAfter;
    }
  }
  void clear() { silent_.clear(); }

 private:
  std::unordered_map<std::uint32_t, std::vector<std::uint16_t>> silent_;
};

}  // namespace sonde::probes
