// Large tensors in parts, so that several threads can walk them.
//
// How a tensor is cut depends on its layout alone, and parts are put together in their order: the statistics are the same
// to the last bit for any number of threads. Thread-safe: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/statistics_kernel.h"
#include "probes/statistics_layout.h"

namespace sonde::probes {

// From so many elements on, more than one thread pays: two cores of a Xeon took 38 microseconds for 2^20 floats where one
// took 61.
inline constexpr std::uint64_t kLargeTensor = std::uint64_t{1} << 20;
inline constexpr std::size_t kMostParts = 64;

// How many parts a tensor of so many elements is cut into at most; 1 below kLargeTensor.
[[nodiscard]] std::size_t parts_of(std::uint64_t elements) noexcept;

// Part `index` of `parts` of a layout, cut along its outermost dimension. `first` is the index of that dimension at which
// it begins. REQUIRES: layout.count > 0, parts at most the size of the outermost dimension.
[[nodiscard]] Layout part_of(const Layout& layout, ScalarType type, std::size_t index, std::size_t parts,
                             std::size_t& first);

// Calls work(0) ... work(parts - 1) with `parallel`, or one after the other.
template <class Work>
void run_parallel(Parallel parallel, std::size_t parts, const Work& work) {
  if (parallel == nullptr) {
    for (std::size_t part = 0; part < parts; ++part) work(part);
    return;
  }
  parallel(
      parts, [](void* context, std::size_t part) { (*static_cast<const Work*>(context))(part); },
      const_cast<void*>(static_cast<const void*>(&work)));
}

// As pass_over(), in up to `parts` parts. `scratch`: room for the unit maxima of each part, parts * units, all 0; not
// needed without units.
[[nodiscard]] Totals pass_in_parts(ScalarType type, const Layout& layout, const Tails* tails, std::span<float> maxima,
                                   std::size_t parts, float* scratch, Parallel parallel);

}  // namespace sonde::probes
