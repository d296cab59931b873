// The vital signs of a run, as the last records of its trace show them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/trace_file.h"

namespace sonde::command {

// As when last observed; NaN where it was not.
struct LayerVitals {
  std::string name;        // of the parameter, "conv1.weight"
  double update = 0;       // RMS of the update over that of the weight
  double gradient = 0;     // RMS
  double dead = 0;         // share of dead units of the rectifier that follows the layer
  double strangeness = 0;  // orders of magnitude away from the median layer, or the share of dead units; sorts the list
};

struct Vitals {
  bool begun = false;  // there is a step
  std::uint64_t step = 0;
  double steps_per_second = 0;      // over the last steps; NaN if unknown
  double loss = 0;                  // median of the last 20, NaN if there was none
  double earlier_loss = 0;          // median of the 20 before the last 100, NaN if the run is shorter
  double loss_noise = 0;            // deviation of a median of 20
  double learning_rate = 0;         // NaN if unknown
  std::vector<LayerVitals> layers;  // strangest first
};

[[nodiscard]] Vitals vitals_of(const trace::Trace& trace);

// "falling", "rising", "steady", or nothing if it is too early to say.
[[nodiscard]] std::string trend(const Vitals& vitals);

}  // namespace sonde::command
