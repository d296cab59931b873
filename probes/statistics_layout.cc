#include "probes/statistics_layout.h"

#include <cstdlib>
#include <cstring>

namespace sonde::probes {
namespace {

template <class Word>
void gather_words(const std::byte* from, std::int64_t stride, std::size_t n, std::byte* to) {
  const Word* source = reinterpret_cast<const Word*>(from);
  Word* target = reinterpret_cast<Word*>(to);
  for (std::size_t i = 0; i < n; ++i) target[i] = source[static_cast<std::int64_t>(i) * stride];
}

}  // namespace

Layout make_layout(const TensorView& view, int unit_dimension) {
  Layout layout;
  layout.origin = static_cast<const std::byte*>(view.data);
  layout.elements = 1;
  for (const std::int64_t size : view.sizes) layout.elements *= static_cast<std::uint64_t>(size);
  if (layout.elements == 0) return layout;

  // Sorted by insertion: tensors are nearly always in order already.
  auto& dimensions = layout.storage;
  for (std::size_t k = 0; k < view.sizes.size(); ++k) {
    Dimension dimension{view.sizes[k], view.strides[k]};
    if (dimension.size == 1) continue;
    if (dimension.stride == 0) {
      layout.repeat *= static_cast<std::uint64_t>(dimension.size);
      continue;
    }
    const bool is_unit = static_cast<int>(k) == unit_dimension;
    if (dimension.stride < 0 && !is_unit) {
      layout.origin += (dimension.size - 1) * dimension.stride * static_cast<std::int64_t>(element_size(view.type));
      dimension.stride = -dimension.stride;
    }
    std::size_t at = layout.count++;
    for (; at > 0 && std::abs(dimensions[at - 1].stride) < std::abs(dimension.stride); --at) {
      dimensions[at] = dimensions[at - 1];
      if (layout.unit == static_cast<int>(at - 1)) layout.unit = static_cast<int>(at);
    }
    dimensions[at] = dimension;
    if (is_unit) layout.unit = static_cast<int>(at);
  }

  std::size_t kept = 0;
  const int unit_before = layout.unit;
  for (std::size_t k = 0; k < layout.count; ++k) {
    const bool is_unit = static_cast<int>(k) == unit_before;
    const bool after_unit = k > 0 && static_cast<int>(k - 1) == unit_before;
    const bool joins =
        kept > 0 && !is_unit && !after_unit && dimensions[kept - 1].stride == dimensions[k].size * dimensions[k].stride;
    if (joins) {
      dimensions[kept - 1] = {dimensions[kept - 1].size * dimensions[k].size, dimensions[k].stride};
    } else {
      if (is_unit) layout.unit = static_cast<int>(kept);
      dimensions[kept++] = dimensions[k];
    }
  }
  layout.count = kept;
  return layout;
}

void gather(const std::byte* from, std::int64_t stride, std::size_t n, std::size_t element, std::byte* to) {
  if (stride == 1) {
    std::memcpy(to, from, n * element);
  } else if (element == 8) {
    gather_words<std::uint64_t>(from, stride, n, to);
  } else if (element == 4) {
    gather_words<std::uint32_t>(from, stride, n, to);
  } else {
    gather_words<std::uint16_t>(from, stride, n, to);
  }
}

}  // namespace sonde::probes
