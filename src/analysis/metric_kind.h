// Metric kind: what the name of a number says about it.
#pragma once

#include <string_view>

#include <sonde/metric.h>

namespace sonde::analysis {

// What was told stands; the rest is read off the words of the name, whatever their case and what stands between them.
// `inferred` remains where the name says nothing, or contradicts itself.
[[nodiscard]] MetricOptions kind_of(std::string_view name, MetricOptions told);

}  // namespace sonde::analysis
