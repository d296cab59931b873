// The vector loops of the statistics pass. They see runs of contiguous memory; statistics_layout.h finds the runs.
//
// Internal to statistics.cpp. One table per element type, chosen at run time for the widest vectors of the machine.
// Thread-safe: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "probes/statistics.h"

namespace sonde::probes {

// What is added up over the runs of a tensor. The fields of trace::TensorStats, before the divisions.
struct Totals {
  std::uint64_t nan = 0;
  std::uint64_t positive_infinity = 0;
  std::uint64_t negative_infinity = 0;
  std::uint64_t zeros = 0;
  std::uint64_t beyond = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;
  double sum_squares = 0;

  [[nodiscard]] std::uint64_t non_finite() const noexcept { return nan + positive_infinity + negative_infinity; }
  void merge(const Totals& other) noexcept;
};

// What is known of a tensor's units once their maxima are. `spread` is NaN if a unit is not finite.
struct UnitSummary {
  std::uint32_t silent = 0;
  double spread = 0;
};

// Elements that are looked at while they are in the first-level cache.
inline constexpr std::size_t kBlock = 2048;

struct Kernel {
  // Adds `n` elements to `totals`. `tails` may be null.
  void (*accumulate)(const void* data, std::size_t n, const Tails* tails, Totals& totals);
  bool (*finite)(const void* data, std::size_t n);
};

// Maxima of |x| by unit. What float cannot hold is clamped to its least or greatest normal value, so that only a silent
// unit has the maximum 0; the maximum of a unit that is not finite is infinite or NaN until `summarize`.
struct UnitKernel {
  // maxima[c] = max(maxima[c], |data[r * row_stride + c]|) for all r in [0, rows), c in [0, width).
  void (*column_maxima)(const void* data, std::size_t rows, std::size_t row_stride, std::size_t width, float* maxima);
  // maxima[r] = max(maxima[r], |data[r * length + i]|) for all r in [0, runs), i in [0, length).
  void (*run_maxima)(const void* data, std::size_t runs, std::size_t length, float* maxima);
  // Turns NaN maxima into +inf, and sets alive[u] = 1 (if not null) where maxima[u] is not 0.
  UnitSummary (*summarize)(float* maxima, std::size_t units, std::uint8_t* alive);
};

const Kernel& kernel_for(ScalarType type);
const UnitKernel& unit_kernel_for(ScalarType type);

}  // namespace sonde::probes
