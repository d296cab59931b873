#include "probes/statistics_parts.h"

#include <algorithm>
#include <array>

#include "probes/statistics_pass.h"

namespace sonde::probes {
namespace {

constexpr std::uint64_t kPart = std::uint64_t{1} << 18;  // elements

}  // namespace

std::size_t parts_of(std::uint64_t elements) noexcept {
  return elements < kLargeTensor ? 1 : static_cast<std::size_t>(std::min<std::uint64_t>(elements / kPart, kMostParts));
}

Layout part_of(const Layout& layout, ScalarType type, std::size_t index, std::size_t parts, std::size_t& first) {
  const Dimension outer = layout.storage[0];
  const auto size = static_cast<std::size_t>(outer.size);
  // A flat tensor is cut where a block of the kernel ends.
  const std::size_t unit = layout.count == 1 && size >= parts * kBlock ? kBlock : 1;
  const std::size_t steps = size / unit;
  first = index * steps / parts * unit;
  const std::size_t end = index + 1 == parts ? size : (index + 1) * steps / parts * unit;
  Layout part = layout;
  part.storage[0].size = static_cast<std::int64_t>(end - first);
  part.origin += static_cast<std::int64_t>(first * element_size(type)) * outer.stride;
  return part;
}

Totals pass_in_parts(ScalarType type, const Layout& layout, const Tails* tails, std::span<float> maxima,
                     std::size_t parts, float* scratch, Parallel parallel) {
  if (layout.count > 0) parts = std::min(parts, static_cast<std::size_t>(layout.storage[0].size));
  if (layout.count == 0 || parts <= 1) return pass_over(type, layout, tails, maxima.data());

  std::array<Totals, kMostParts> totals;
  // Parts of the unit dimension itself have units of their own.
  const bool own_units = layout.unit == 0;
  const std::size_t units = layout.unit < 0 ? 0 : maxima.size();
  const auto one = [&](std::size_t index) {
    std::size_t first = 0;
    const Layout part = part_of(layout, type, index, parts, first);
    float* const into = units == 0 ? nullptr : own_units ? maxima.data() + first : scratch + index * units;
    totals[index] = pass_over(type, part, tails, into);
  };
  run_parallel(parallel, parts, one);
  Totals all;
  for (std::size_t index = 0; index < parts; ++index) all.merge(totals[index]);
  if (units > 0 && !own_units)
    unit_kernel_for(ScalarType::float32).column_maxima(scratch, parts, units, units, maxima.data());
  return all;
}

}  // namespace sonde::probes
