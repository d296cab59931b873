// The fused statistics pass: everything the analysis needs of a tensor, in one walk over its memory.
//
// Reads memory itself: calls no LibTorch operator and no allocator, and is therefore invisible to observers and to
// autograd. Results are deterministic for the same bytes, shape and machine, whatever the number of threads.
// Thread-safe: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trace/record.h"

namespace sonde::probes {

enum class ScalarType : std::uint8_t { float32, float64, float16, bfloat16 };

// A strided view of memory. Sizes and strides are in elements; any stride, 0 (expanded) and overlapping included.
// At most 16 dimensions; a zero-dimensional view has one element.
struct TensorView {
  const void* data = nullptr;
  ScalarType type = ScalarType::float32;
  std::span<const std::int64_t> sizes;
  std::span<const std::int64_t> strides;
};

// The tails in which a saturating activation has lost its slope: elements below `low` or above `high`.
struct Tails {
  double low;
  double high;
};

// Runs work(context, 0) ... work(context, parts - 1), each once, on any threads, and returns when all have ended.
using Parallel = void (*)(std::size_t parts, void (*work)(void* context, std::size_t part), void* context);

struct MeasureOptions {
  const Tails* tails = nullptr;  // count the elements beyond them
  int unit_dimension = -1;       // look at units along this dimension, -1: do not
  // One byte a unit, at least sizes[unit_dimension] long: set to 1 where the unit has a non-zero (or NaN) element;
  // never cleared, so that a caller can gather over several tensors. May be empty: units are then only counted.
  std::span<std::uint8_t> alive;
  // Filled with the maximum of |x| of every unit, +inf for a unit with a NaN or an infinity. At least
  // sizes[unit_dimension] long, else units are not looked at. maxima_needed() long, else a large tensor is not cut.
  std::span<float> unit_maxima;
  Parallel parallel = nullptr;  // for the parts of large tensors; null: one after the other
};

// Fills all fields of TensorStats but dead_units. aux: max over units of max|x| minus the min over units (0: identical
// or all silent), NaN without units or with a unit that is not finite. NaN and infinities are counted apart and excluded
// from min, max, mean, mean_square and beyond; without a finite element min is +inf, max -inf and the means are 0. A view
// without elements, or with too many dimensions, has count 0 and no units.
//
// Accuracy: counts, min and max are exact. float, half and bfloat16 are summed in float lanes, at most 64 additions in a
// row, and in double from there on: mean is good to about 1e-6 of mean |x|, mean_square to about 1e-6 of itself (1e-7
// and better with data that is not constant), also where squares leave the range of float. Sums of doubles that leave
// the range of double saturate.
trace::TensorStats measure(const TensorView& view, const MeasureOptions& options = {});

// How long unit_maxima has to be for a tensor of so many elements and units: more than `units` where it is cut in parts.
std::size_t maxima_needed(std::uint64_t elements, std::size_t units);

// True if every element is finite; stops early. For sentinels.
bool all_finite(const TensorView& view);
bool all_finite(const void* data, std::size_t elements, ScalarType type, Parallel parallel = nullptr);  // contiguous

// The name of the vector target in use ("AVX2", "AVX3" ...), for reports of benchmarks.
const char* vector_target();

}  // namespace sonde::probes
