// Statistics of LibTorch tensors: the bridge between at::Tensor and the kernel in statistics.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "probes/promise.h"
#include "probes/statistics.h"

namespace sonde::probes {

class DeviceStatistics;

enum class Finite : std::uint8_t { unknown, finite, infinite, nan };  // infinite: infinities but no NaN

// Unknown of a promise.
[[nodiscard]] Finite finiteness(const trace::TensorStats& stats) noexcept;

// "float", "double", "half", "bfloat16", "long" ... ; a string literal.
[[nodiscard]] const char* dtype_name(const at::TensorImpl& impl) noexcept;
// The largest finite value of a floating dtype, 0 for others.
[[nodiscard]] double dtype_max(const at::TensorImpl& impl) noexcept;
[[nodiscard]] bool is_floating(const at::TensorImpl& impl) noexcept;

// Elements spread over a whole tensor, so that a few reads tell whether it changed. Reads no more than `limit`.
inline constexpr std::size_t kProbePoints = 8;
inline constexpr std::int64_t kFewElements = 256;

// The k-th of n elements to look at: (k + 1) phi mod 1 of them, spread out and never in step with rows or channels.
inline std::int64_t spread_position(std::uint32_t k, std::int64_t n) {
  const std::uint32_t fraction = (k + 1) * 0x9e3779b9;  // in units of 2^-32
  return static_cast<std::int64_t>((std::uint64_t{fraction} * static_cast<std::uint64_t>(n)) >> 32);
}

// Owns the scratch memory, so that measuring allocates only when a tensor has more units than any before.
// Not thread-safe: one a training thread.
class TensorMeter {
 public:
  struct Request {
    const Tails* tails = nullptr;
    int unit_dimension = -1;
    std::uint8_t* alive = nullptr;  // see MeasureOptions::alive; sizes[unit_dimension] bytes
  };

  // Tensors of devices go there and are promised; null, as at first: they are copied to the CPU, which waits for them.
  void use(DeviceStatistics* device) { device_ = device; }

  // Null if the tensor was measured into `stats`, else why it was not ("quantized tensor"; a literal). Integers and
  // bools are measured as numbers, sparse tensors by their values. `stats` may be a promise.
  const char* measure(const at::TensorImpl& impl, const Request& request, trace::TensorStats& stats);

  // False if an element is known to be NaN or infinite. Tensors that cannot be read count as finite.
  bool all_finite(const at::TensorImpl& impl);
  // The same of all elements of a tensor of up to kFewElements; of a larger one by kProbePoints, other ones each turn.
  bool seems_finite(const at::TensorImpl& impl, std::uint32_t turn);

 private:
  const char* measure_elsewhere(const at::TensorImpl& impl, const Request& request, trace::TensorStats& stats);
  DeviceStatistics* device_ = nullptr;
  std::vector<float> unit_maxima_;
};

// A hash of up to kProbePoints elements spread over the memory of a strided CPU tensor, its sizes included; 0 if it
// cannot be read. `all_zero` (if given) tells whether all of them were zero.
std::uint64_t probe_hash(const at::TensorImpl& impl, bool* all_zero = nullptr) noexcept;

// The only element of a floating-point CPU tensor; empty if it is another kind of tensor.
std::optional<double> read_scalar(const at::TensorImpl& impl) noexcept;

// Reads up to `limit` elements of a strided CPU tensor, evenly spread in memory order of a contiguous walk, as double.
// Appends to `values`; appends nothing if the tensor cannot be read.
void sample_elements(const at::TensorImpl& impl, std::size_t limit, std::vector<double>& values);

}  // namespace sonde::probes
