// What was seen of one pass (a forward pass, its backward pass) and is to be told in records. Plain structs.
//
// On the CPU a pass is told while it is run. On a device its numbers come later: it waits, and is told when they have
// come, one pass later as a rule, with the same records in the same order.
#pragma once

#include <cstdint>
#include <vector>

#include "monitor/governor.h"
#include "probes/attribution.h"
#include "probes/backward_pass.h"
#include "probes/loss_view.h"
#include "probes/parameter_probe.h"
#include "trace/record.h"

namespace sonde::monitor {

struct StepState {
  Level level = Level::sentinel;
  bool observed = false;  // level is full
  bool loss_finite = true;
  bool gradients_finite = true;
  bool unexplained = false;  // not finite, and no origin found yet
  int unexplained_parameter = -1;
  double loss = 0;
  probes::Between between;
  [[nodiscard]] bool poisoned() const { return !loss_finite || !gradients_finite; }
  // One update and cleared gradients since the pass before.
  [[nodiscard]] bool plain() const {
    return between.weights_changed == probes::Answer::yes && between.gradients_cleared == probes::Answer::yes;
  }
};

// What the model, the optimizers and the tensors said while they could be asked.
struct SeenPass {
  bool ran = false;  // the backward pass was
  bool first_of_run = false;
  bool closure = false;
  std::uint8_t training_mode = 2;
  double learning_rate = 0;
  trace::TensorStats loss;  // a promise, if the loss is on a device
  bool describes = false;   // the program is to be read off this pass
  probes::BatchSample batch;
  probes::GradientVerdict verdict;
  std::vector<probes::PromisedUpdate> promised_updates;
  std::vector<trace::Record> updates, operations, states, contracts;
};

// A pass that waits for its device, with all that the next one overwrites.
struct LatePass {
  SeenPass seen;
  StepState state;
  std::uint64_t step = 0;
  std::uint64_t time_ns = 0;
  std::uint32_t backwards = 0;
  std::uint32_t last_position = 0;
  probes::LossView loss_view;
  std::vector<probes::PlacedOp> placed;
  probes::BackwardPass backward;
  bool applied = true;
  std::uint64_t step_ns = 0;
  std::uint64_t monitor_ns = 0;
  std::uint64_t mark = 0;        // of the device, behind the last of its promises
  std::uint64_t needs_from = 0;  // serial number in the log
  std::uint64_t end = 0;
};

}  // namespace sonde::monitor
