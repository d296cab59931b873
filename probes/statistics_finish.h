// From totals to the fields of TensorStats, the same whether a processor or a device has added them up.
// Thread-safe: no state.
#pragma once

#include <cstdint>
#include <span>

#include "probes/statistics_kernel.h"
#include "trace/record.h"

namespace sonde::probes {

// Of a tensor without elements.
[[nodiscard]] trace::TensorStats no_stats();

// `elements` of the tensor, of which `repeat` share each place of memory that was added up.
void finish(const Totals& totals, std::uint64_t elements, std::uint64_t repeat, trace::TensorStats& stats);

// `maxima` of |x| by unit, as UnitKernel wants them; `alive` as MeasureOptions::alive, may be shorter: not set then.
void finish_units(std::span<float> maxima, std::span<std::uint8_t> alive, trace::TensorStats& stats);

}  // namespace sonde::probes
