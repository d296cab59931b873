// Which values a tensor and each of its slices hold, whatever their order: one 64-bit number a slice.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace sonde::compare {

// A slice's print is the sum of the hashes of its elements, modulo 2^64. So tensors that are equal up to the order of
// rows, columns and spatial positions have the same prints in another order, along every dimension at once.
struct Fingerprint {
  std::uint64_t all = 0;
  std::vector<std::vector<std::uint64_t>> slices;  // [dimension][index]
};

// `tensor` contiguous, on the CPU, float, double or int64. Linear in time, one number a slice in memory. +0 is -0.
[[nodiscard]] Fingerprint fingerprint_of(const at::Tensor& tensor);

}  // namespace sonde::compare
