// The totals of a tensor, added up on the device that holds it.
//
// A row of doubles on that device: kTotals totals in the order of `Field`, then the maximum of |x| of each unit. With
// ATen's own operators; for floating-point tensors on a CUDA device, where the build has it, with one fused kernel
// (probes/cuda). Nothing waits for the device. Temporaries are those of kChunk elements, not of the
// tensor's size; amounts of work are ordered on the current stream. Called below autograd. Thread-safe: no state.
#pragma once

#include <ATen/core/Tensor.h>

#include "probes/device_row.h"
#include "probes/statistics.h"
#include "probes/statistics_kernel.h"
#include "probes/statistics_layout.h"

namespace sonde::probes {

// `layout` as by make_layout() of the tensor, without a unit dimension; `unit_dimension` is that of the tensor, or -1.
// REQUIRES: a strided tensor with elements, of a real dtype. Throws what operators throw that the device does not have.
[[nodiscard]] at::Tensor reduce_on_device(const at::Tensor& tensor, const Layout& layout, const Tails* tails,
                                          int unit_dimension);

// The totals of a row that has come to the host.
[[nodiscard]] Totals totals_of(const double* row);

}  // namespace sonde::probes
