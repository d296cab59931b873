// The bridge between at::Tensor and the fused kernel for CUDA devices. See device_reductions.h.
#pragma once

#include <ATen/core/Tensor.h>

#include "probes/statistics.h"

namespace sonde::probes::cuda {

// True of floating-point tensors on a CUDA device.
[[nodiscard]] bool can_reduce(const at::Tensor& tensor);

// As reduce_on_device(), but without maxima where all units share their elements or there is one. REQUIRES:
// can_reduce(tensor), and that it has elements.
[[nodiscard]] at::Tensor reduce(const at::Tensor& tensor, const Tails* tails, int unit_dimension);

}  // namespace sonde::probes::cuda
