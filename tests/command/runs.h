// Scripted runs of one program, as traces: sizes with the noise of real ones, from a seed.
#pragma once

#include <cstdint>
#include <string>

#include "trace/trace_file.h"

namespace sonde::testing {

struct Script {
  std::uint32_t weights = 1;  // seed of the initial weights: how large tensors are from the start
  std::uint32_t noise = 1;    // seed of the batches: how sizes vary from step to step
  std::uint64_t steps = 60;
  std::uint64_t every = 1;  // after 20 steps, only every such step is observed
  double learning_rate = 0.05;
  double first_weight = 1;     // the initial weights of fc1, times this
  double drift = 1;            // all that fc2 sends on, times this from step 30 on
  std::int64_t nan_step = -1;  // from there on fc2 gives NaN, and the loss is NaN
  double loss_offset = 0;      // taken off the loss: it may fall below zero
  bool one_layer_more = false;
};

// fc1 (64 units), relu1, fc2, relu2, fc3, cross entropy; a millisecond a step.
[[nodiscard]] trace::Trace run(const Script& script);

}  // namespace sonde::testing
