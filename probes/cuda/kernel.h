// The fused statistics kernel for CUDA devices. Knows nothing of LibTorch.
#pragma once

#include "probes/device_row.h"

namespace sonde::probes::cuda {

inline constexpr int kDimensions = 16;
inline constexpr int kBlocks = 528;  // at most; four for each multiprocessor of the largest devices of 2024

enum class Element { float32, float64, float16, bfloat16 };

// Elements of a strided tensor; dimensions outermost first, none of size 1 or stride 0.
struct Walk {
  const void* data = nullptr;
  Element element = Element::float32;
  unsigned long long elements = 0;
  int dimensions = 0;
  long long sizes[kDimensions] = {};
  long long strides[kDimensions] = {};
  int unit = -1;  // the dimension whose indices are units, -1: none
  double low = -1.0 / 0.0;
  double high = 1.0 / 0.0;
};

// How many blocks walk so many elements.
[[nodiscard]] int blocks_for(unsigned long long elements);

// Puts on `stream` (a cudaStream_t) what fills `row`: kTotals totals, then the maximum of |x| of each of `units`, +inf of
// one that is not finite. `partials`: room for blocks_for() * kTotals doubles, until the work is done. The same bits for
// the same elements. Returns a cudaError_t, 0 if it was launched.
[[nodiscard]] int launch(const Walk& walk, double* row, long long units, double* partials, void* stream);

}  // namespace sonde::probes::cuda
