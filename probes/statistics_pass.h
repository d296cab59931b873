// One walk over a layout: totals of everything, and the maximum of |x| of every unit on the way, while the elements are in
// the first-level cache. Internal to the statistics. Thread-safe: no state.
#pragma once

#include "probes/statistics_kernel.h"
#include "probes/statistics_layout.h"

namespace sonde::probes {

// `maxima`: one for each index of the layout's unit dimension, raised to those found; not read if layout.unit is -1.
[[nodiscard]] Totals pass_over(ScalarType type, const Layout& layout, const Tails* tails, float* maxima);

// The maximum of |x| of a unit with these totals: +inf if an element is not finite, and 0 of a silent unit alone.
[[nodiscard]] float unit_maximum(const Totals& unit);

}  // namespace sonde::probes
