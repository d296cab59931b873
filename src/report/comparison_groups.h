// Faults of a comparison that say the same of several layers.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sonde/comparison.h>

namespace sonde::report {

// Indices into Result::faults, at least one, in their order.
using FaultGroup = std::vector<std::size_t>;

// One stage, cause, kind of operation and message, numbers in it aside: "eps is 0.001 in the target" of 53 layers, or
// "all its 64 elements are 0". The group of the first divergence comes first and begins with it; the others are in the
// order of their first faults, and those without effect on the inputs are last.
[[nodiscard]] std::vector<FaultGroup> groups_of(const compare::Result& result);

// "layer1.0.bn1 (batch_norm)", "fc.weight (linear)", "operation 14 (relu)"; clean text.
[[nodiscard]] std::string place_of(const compare::Fault& fault);
// The same without the kind of operation.
[[nodiscard]] std::string name_of(const compare::Fault& fault);

}  // namespace sonde::report
