// The outputs of two models.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <sonde/comparison.h>

namespace sonde::compare {

// Without floor. Rows of the first output are samples and its last dimension scores, if it has two dimensions and at least
// two columns.
[[nodiscard]] Agreement agreement(const std::vector<at::Tensor>& target, const std::vector<at::Tensor>& reference);

// Of several batches.
void add(Agreement& all, const Agreement& batch);

}  // namespace sonde::compare
