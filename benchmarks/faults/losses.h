// The losses of the case format, as a user would call or write them.
#pragma once

#include <torch/torch.h>

#include "faults/case.h"

namespace sonde::faults {

[[nodiscard]] torch::Tensor compute_loss(const LossSpec& loss, const torch::Tensor& output,
                                         const torch::Tensor& target);

}  // namespace sonde::faults
