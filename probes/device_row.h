// The order of the totals in a row that a device has written. Knows neither LibTorch nor the standard library, so that
// kernels can include it.
#pragma once

namespace sonde::probes {

enum Field {
  kFieldNan,
  kFieldPositiveInfinity,
  kFieldNegativeInfinity,
  kFieldZeros,
  kFieldBeyond,
  kFieldMin,
  kFieldMax,
  kFieldSum,
  kFieldSumSquares,
  kTotals
};

}  // namespace sonde::probes
