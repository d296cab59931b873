// ParameterProbe: weights, gradients as they will be applied, and what the optimizer changed.
//
// A few elements of each weight and gradient tell whether the weights moved and the gradients were cleared since the
// last backward pass: look() after a step that ended with note(). On the steps in between, glance() looks at one
// parameter that stands for all. On observed steps everything is measured. Works from weak references: parameters may
// be replaced, frozen or freed at any time. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "probes/attribution.h"
#include "probes/device_statistics.h"
#include "probes/module_map.h"
#include "probes/optimizer_view.h"
#include "probes/sentinel.h"
#include "trace/record.h"

namespace sonde::probes {

// What is known of one parameter over the steps.
struct ParameterState {
  int parameter = 0;  // in the module map
  bool alive = false;
  bool requires_grad = false;
  bool has_gradient = false;         // defined, at the last note()
  bool gradient_points_zero = true;  // the probed elements were zero
  std::uint64_t weight_points = 0;   // hashes
  bool moved = false;                // since the last look()
  bool moved_before_note = false;
  // After observed steps:
  bool measured = false;
  bool gradient_zero = false;    // exactly, everywhere
  double weight_sum_before = 0;  // statistics that change when the weight does
  bool changed_between_observed = false;
  std::vector<double> weight_sample;
  std::vector<double> gradient_sample;
  double gradient_dot_update = 0;  // of the last update, NaN if unknown
  // Samples that a device has been asked for, in place of the two above.
  trace::TensorStats promised_weights;
  trace::TensorStats promised_gradient;
};

// An update whose elements a device has been asked for.
struct PromisedUpdate {
  int parameter = 0;
  trace::TensorStats before, after, gradient;
  trace::Record record;  // all but the statistics
};

// A gradient whose finiteness, or statistics in a record, a device has been asked for.
struct PromisedGradient {
  int parameter = 0;
  trace::TensorStats stats;
  int record = -1;  // index among the records appended with it; -1: it has none
};

struct GradientVerdict {
  bool finite = true;
  int parameter = -1;                      // the first in the tree whose gradient is not
  std::vector<PromisedGradient> promised;  // not known yet, taken for finite
};

class ParameterProbe {
 public:
  ParameterProbe(ModuleMap& modules, OptimizerView& optimizers) : modules_(modules), optimizers_(optimizers) {}

  // Parameters on devices are measured there from now on.
  void use(DeviceStatistics* device);

  // To be called after a rescan of the module map.
  void modules_changed();

  // Before a backward pass. REQUIRES: note() after the one before, or its answers are about a longer time.
  Between look();
  // In place of look(): one parameter that was trained when last looked at is asked; unknown if there is none.
  Between glance() { return sentinel_.glance(); }
  // After look(), if the weights moved since the samples were taken: records of phase update.
  void append_updates(Attribution& attribution, std::vector<trace::Record>& records,
                      std::vector<PromisedUpdate>& promised);
  // When the promises have arrived, in the order the steps were run: appends records of phase update, ...
  void tell_updates(const std::vector<PromisedUpdate>& promised, std::vector<trace::Record>& records);
  // ... completes what append_state() appended (records that cannot be completed go), and gives the verdict.
  void tell_state(GradientVerdict& verdict, std::vector<trace::Record>& records);

  // After a backward pass. `all`: every element is looked at; else all of small gradients and a few of the others, in
  // turns. What a NaN in the backward pass of a layer reaches, biases and norms among it, is small.
  GradientVerdict check_gradients(bool all);
  // On a brisk step, in place of glance() and check_gradients(false). True if all is as usual; false says nothing.
  [[nodiscard]] bool glance_briskly() { return sentinel_.glance_briskly(); }
  [[nodiscard]] bool check_gradients_briskly();
  // After a backward pass: what the next look() compares with.
  void note();
  // Everything: records of phases gradient and weight; takes samples for append_updates(). REQUIRES: `records` is empty.
  GradientVerdict append_state(Attribution& attribution, std::vector<trace::Record>& records, trace::Catalog& catalog);

  [[nodiscard]] const std::vector<ParameterState>& states() const { return states_; }

 private:
  static void note_gradient(ParameterState& state, const at::TensorImpl& impl);
  void check_gradient(int parameter, bool all, std::uint32_t turn, GradientVerdict& verdict);

  ModuleMap& modules_;
  OptimizerView& optimizers_;

  DeviceStatistics* device_ = nullptr;
  TensorMeter meter_;
  std::vector<ParameterState> states_;
  Sentinel sentinel_;
  bool sampled_ = false;
  std::uint32_t turn_ = 0;
  std::vector<double> scratch_;
  std::vector<at::Tensor> on_device_;  // during check_gradients()
};

}  // namespace sonde::probes
