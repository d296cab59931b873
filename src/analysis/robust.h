// Robust statistics of small samples: medians, and deviations that one spike cannot move.
#pragma once

#include <vector>

namespace sonde::analysis {

// The middle value (the mean of the two middle ones); NaN if `values` is empty. NaNs are passed over.
[[nodiscard]] double median(std::vector<double> values);

// Median absolute deviation from `center`, scaled by 1.4826 to agree with the standard deviation of a normal sample;
// 0 if there is nothing to measure.
[[nodiscard]] double deviation(const std::vector<double>& values, double center);

}  // namespace sonde::analysis
