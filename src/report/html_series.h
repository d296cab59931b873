// The timeline as the data of an HTML page.
//
// Numbers of layers are coded in 16 bits: 65535 not finite, 0 zero, else the logarithm between the least and the largest
// that the series has; a relative error below 2e-5 for each decade of that range. Series that were measured in the same
// bins share the list of them. Large timelines are made coarser until they fit: first to 256 bins, then without the range
// in each bin, then further.
#pragma once

#include <cstdint>

#include <sonde/report.h>
#include <nlohmann/json_fwd.hpp>

namespace sonde::report {

inline constexpr std::size_t kPageBytes = 6'000'000;  // that the series of layers may take
inline constexpr std::size_t kSmallPageBytes = 150'000;
inline constexpr std::size_t kPageBins = 256;  // beyond kSmallPageBytes

// How the numbers of one series are coded.
struct Coding {
  double least = 0;  // decimal logarithms of the positive values
  double most = 0;

  [[nodiscard]] std::uint16_t code_of(double value) const noexcept;
};

// The object that page.js reads: the grid, layers, series, losses, and where the findings began.
[[nodiscard]] nlohmann::ordered_json series_json(const Report& report);

}  // namespace sonde::report
