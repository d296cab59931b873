// The timeline: what was measured over the steps of a run, in bounded memory. What Report::html() draws.
//
// Steps are gathered in bins. A bin holds a power of two of steps; when a series would need more bins than it may have,
// neighbours are merged and each bin holds twice as many steps. All series of layers share one grid. All structs are value
// types without invariants; a const object may be read from several threads.
//
// Memory: a series of a layer has at most 512 bins of 16 bytes, fewer in large models, so that all of them together take at
// most 32 MiB; the rest of a Timeline is a few hundred bytes a layer. Monitor::report() copies it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/finding.h>

namespace sonde {

// What is followed of each layer. Sizes are root mean squares of the finite elements; shares lie in [0, 1]. Where a layer
// has several tensors of a kind, its largest parameter, its last output and the worst share stand for it.
enum class Quantity : std::uint8_t {
  gradient,         // size of the parameter's gradient
  output_gradient,  // size of the gradient that arrived at the layer's output
  update_ratio,     // size of the update over that of the parameter before it
  dead_units,       // share of units that have been zero on all recent observed steps; rectifiers only
  saturation,       // share of outputs in the flat tails; saturating activations only
  non_finite,  // share of NaN and infinite elements in the layer's output, or in what follows it; empty if there were none
  activation,  // size of the layer's output
  weight,      // size of the parameter
};
inline constexpr std::size_t kQuantities = 8;

// The spelling of files: "gradient", "update-ratio" ...
[[nodiscard]] std::string_view to_string(Quantity quantity) noexcept;

// The measurements of some neighbouring steps. Values are NaN if none was finite.
struct TimelineBin {
  float last = std::numeric_limits<float>::quiet_NaN();
  float min = std::numeric_limits<float>::quiet_NaN();
  float max = std::numeric_limits<float>::quiet_NaN();
  std::uint16_t samples = 0;     // how many measurements, 65535 if more; 0: not measured on these steps
  std::uint16_t non_finite = 0;  // of these, of tensors with a NaN or infinite element
};

// Bin i holds the steps [i * steps_per_bin, (i + 1) * steps_per_bin); bins after the last are as if empty.
using TimelineSeries = std::vector<TimelineBin>;

// A layer as the reader of a report knows it; operations without parameters that are no modules belong to the layer they
// follow.
struct TimelineLayer {
  std::string path;   // "encoder.0"; for bare tensors the tensor's name
  std::string type;   // "Linear"; empty if it is no module
  SourceLine source;  // of its first operation, where it is known
  std::array<TimelineSeries, kQuantities> series;

  [[nodiscard]] const TimelineSeries& operator[](Quantity quantity) const noexcept {
    return series[static_cast<std::size_t>(quantity)];
  }
};

// A number of the run as a whole, on a grid of its own: at most 1024 bins.
struct TimelineCurve {
  std::string name;
  std::uint64_t steps_per_bin = 1;
  TimelineSeries bins;
};

struct Timeline {
  std::uint64_t steps_per_bin = 1;      // of all layers' series
  std::vector<std::uint32_t> observed;  // by bin: backward passes observed in full
  std::vector<TimelineLayer> layers;    // in the order of the data flow
  std::vector<TimelineCurve> losses;    // one for each loss that is trained on, at most eight
  TimelineCurve learning_rate;
  std::uint64_t series_left_out = 0;  // that found no room: more than 131072 of them
};

}  // namespace sonde
