// From a strided view to the runs of memory a vector loop can walk.
//
// The order of elements does not matter to statistics. So dimensions are sorted by stride, neighbours that continue each
// other become one, and dimensions of stride 0 become a factor. Every permutation of a contiguous tensor is then one
// run. Thread-safe: plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/statistics_kernel.h"

namespace sonde::probes {

inline constexpr std::size_t kMaxDimensions = 16;

[[nodiscard]] constexpr std::size_t element_size(ScalarType type) noexcept {
  return type == ScalarType::float64 ? 8 : type == ScalarType::float32 ? 4 : 2;
}

struct Dimension {
  std::int64_t size;
  std::int64_t stride;  // in elements
};

struct Layout {
  const std::byte* origin = nullptr;
  std::array<Dimension, kMaxDimensions> storage;
  std::size_t count = 0;       // dimensions left, outermost (longest stride) first; 0: one element
  int unit = -1;               // the unit dimension among them; -1: none
  std::uint64_t repeat = 1;    // every element stands for so many
  std::uint64_t elements = 0;  // of the view, repetitions included

  [[nodiscard]] std::span<const Dimension> dimensions() const noexcept { return {storage.data(), count}; }
};

// REQUIRES: at most kMaxDimensions dimensions; unit_dimension is -1 or one of them. A unit dimension of size 1 or
// stride 0 is gone afterwards: `unit` is then -1, and all units are alike.
[[nodiscard]] Layout make_layout(const TensorView& view, int unit_dimension);

// Calls visit(origin + offset in bytes) for every index of `dimensions`, the last one running fastest.
template <class Visit>
void for_each_offset(std::span<const Dimension> dimensions, const std::byte* origin, std::size_t element, Visit visit) {
  std::array<std::int64_t, kMaxDimensions> index{};
  for (;;) {
    visit(origin);
    std::size_t k = dimensions.size();
    for (;; --k) {
      if (k == 0) return;
      const Dimension& dimension = dimensions[k - 1];
      const std::int64_t step = dimension.stride * static_cast<std::int64_t>(element);
      if (++index[k - 1] < dimension.size) {
        origin += step;
        break;
      }
      index[k - 1] = 0;
      origin -= step * (dimension.size - 1);
    }
  }
}

// Copies `n` elements of `element` bytes that are `stride` elements apart.
void gather(const std::byte* from, std::int64_t stride, std::size_t n, std::size_t element, std::byte* to);

// Calls visit(pointer, n) with runs of contiguous elements that together are the elements of `dimensions` at `origin`.
// Strided and short runs are gathered into a buffer of kBlock elements; a pointer is good for the call only.
template <class Visit>
void for_each_run(std::span<const Dimension> dimensions, const std::byte* origin, std::size_t element, Visit visit) {
  constexpr std::int64_t kLong = kBlock / 4;  // shorter runs cost less when gathered
  if (dimensions.empty()) {
    visit(origin, std::size_t{1});
    return;
  }
  const Dimension inner = dimensions.back();
  const auto length = static_cast<std::size_t>(inner.size);
  const auto outer = dimensions.first(dimensions.size() - 1);
  if (inner.stride == 1 && (inner.size >= kLong || outer.empty())) {
    for_each_offset(outer, origin, element, [&](const std::byte* run) { visit(run, length); });
    return;
  }
  alignas(64) std::byte buffer[kBlock * 8];
  std::size_t held = 0;
  for_each_offset(outer, origin, element, [&](const std::byte* run) {
    for (std::size_t done = 0; done < length;) {
      const std::size_t n = std::min(length - done, kBlock - held);
      const auto offset = static_cast<std::int64_t>(done * element) * inner.stride;
      gather(run + offset, inner.stride, n, element, buffer + held * element);
      held += n;
      done += n;
      if (held == kBlock) {
        visit(static_cast<const std::byte*>(buffer), held);
        held = 0;
      }
    }
  });
  if (held > 0) visit(static_cast<const std::byte*>(buffer), held);
}

}  // namespace sonde::probes
