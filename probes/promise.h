// A promise: TensorStats whose numbers a device is still computing.
//
// It stands where the statistics will: copied with the record or the output of an operation that carries it, and
// kept with DeviceStatistics::keep(). Until then its `count` is the number of a row of the device. Plain values.
#pragma once

#include <cstdint>
#include <limits>

#include "trace/record.h"

namespace sonde::probes {

inline constexpr std::uint32_t kPromised = std::numeric_limits<std::uint32_t>::max();  // in TensorStats::units

[[nodiscard]] constexpr bool is_promise(const trace::TensorStats& stats) noexcept { return stats.units == kPromised; }

[[nodiscard]] constexpr trace::TensorStats promise_of(std::uint64_t row) noexcept {
  trace::TensorStats stats;
  stats.units = kPromised;
  stats.count = row;
  stats.aux = std::numeric_limits<double>::quiet_NaN();
  return stats;
}

}  // namespace sonde::probes
