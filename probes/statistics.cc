#include "probes/statistics.h"

#include <algorithm>
#include <atomic>

#include "probes/statistics_finish.h"
#include "probes/statistics_layout.h"
#include "probes/statistics_parts.h"
#include "probes/statistics_pass.h"

namespace sonde::probes {
namespace {

bool fits(const TensorView& view) {
  return view.sizes.size() <= kMaxDimensions && view.strides.size() == view.sizes.size();
}

}  // namespace

trace::TensorStats measure(const TensorView& view, const MeasureOptions& options) {
  trace::TensorStats stats = no_stats();
  if (!fits(view)) return stats;

  const auto unit = static_cast<std::size_t>(options.unit_dimension);
  const bool by_unit = options.unit_dimension >= 0 && unit < view.sizes.size() &&
                       options.unit_maxima.size() >= static_cast<std::size_t>(view.sizes[unit]);
  const Layout layout = make_layout(view, by_unit ? options.unit_dimension : -1);
  if (layout.elements == 0) return stats;

  const std::size_t units = by_unit ? static_cast<std::size_t>(view.sizes[unit]) : 0;
  const std::span<float> maxima = options.unit_maxima.first(units);
  const std::size_t parts = parts_of(layout.elements / layout.repeat);
  const bool in_parts = parts > 1 && options.unit_maxima.size() >= maxima_needed(layout.elements, units);
  const std::span<float> cleared = in_parts ? options.unit_maxima.first(maxima_needed(layout.elements, units)) : maxima;
  std::ranges::fill(cleared, 0.0f);
  const Totals totals = pass_in_parts(view.type, layout, options.tails, maxima, in_parts ? parts : 1,
                                      options.unit_maxima.data() + units, options.parallel);
  finish(totals, layout.elements, layout.repeat, stats);
  if (units == 0) return stats;
  if (layout.unit < 0) std::ranges::fill(maxima, unit_maximum(totals));
  finish_units(maxima, options.alive, stats);
  return stats;
}

std::size_t maxima_needed(std::uint64_t elements, std::size_t units) {
  const std::size_t parts = parts_of(elements);
  return parts > 1 ? units * (parts + 1) : units;
}

bool all_finite(const TensorView& view) {
  if (!fits(view)) return true;
  const Layout layout = make_layout(view, -1);
  if (layout.elements == 0) return true;
  const Kernel& kernel = kernel_for(view.type);
  bool finite = true;
  for_each_run(layout.dimensions(), layout.origin, element_size(view.type),
               [&](const std::byte* run, std::size_t n) { finite = finite && kernel.finite(run, n); });
  return finite;
}

bool all_finite(const void* data, std::size_t elements, ScalarType type, Parallel parallel) {
  if (elements == 0) return true;
  const Kernel& kernel = kernel_for(type);
  const std::size_t parts = parts_of(elements);
  if (parts == 1) return kernel.finite(data, elements);
  std::atomic<bool> finite{true};
  const auto one = [&](std::size_t index) {
    const std::size_t begin = index * elements / parts, end = (index + 1) * elements / parts;
    if (!finite.load(std::memory_order_relaxed)) return;
    const auto* from = static_cast<const std::byte*>(data) + begin * element_size(type);
    if (!kernel.finite(from, end - begin)) finite.store(false, std::memory_order_relaxed);
  };
  run_parallel(parallel, parts, one);
  return finite.load(std::memory_order_relaxed);
}

}  // namespace sonde::probes
