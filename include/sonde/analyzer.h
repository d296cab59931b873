// Analyzers: what can be told of a training while it runs.
//
// Sonde's own analyzers are listed in docs/checks.md. A user's is a class with state that is shown each step as it was
// measured and says what it finds wrong; Options::own_analyzers adds it. What it finds becomes an incident of the report,
// with causes, fixes and source lines like any other. What can be told of a program before its first update is a rule
// (<sonde/rules.h>); what needs the tensors themselves is a hook (<sonde/hooks.h>).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/finding.h>
#include <sonde/meta_model.h>
#include <sonde/rules.h>

namespace sonde {

// What was measured: an operation of the program, a parameter, or a tensor from outside. The same object on every step,
// valid as long as the analyzer is called.
struct Place {
  std::uint32_t id = 0;  // for Violation::operation and Blame::operation; the number an Operation of the meta-model has
  std::string name;      // for sentences: "fc1", "fc1.weight", "relu after conv2", "the loss"
  std::string layer;     // path in the module tree, of the owner or of the layer it follows
  bool owned = false;    // false: the operation only follows `layer`
  std::string module_type;  // of the owner: "Linear"
  std::string operation;    // "aten::addmm"; empty for parameters
  std::string parameter;    // "weight"; empty for operations
  OpClass op_class = OpClass::other;
  std::vector<std::int64_t> shape;  // of the output or the parameter, when first seen
  std::string dtype;                // "float"
};

// The numbers of one tensor on one step.
struct Measurement {
  const Place* place = nullptr;  // never null in a StepView
  // input: a tensor from outside; forward: an operation's output; backward: the gradient that arrived at it; gradient,
  // weight, update: of a parameter, the last as the difference that the optimizer made in the step before.
  Phase phase = Phase::forward;
  TensorFacts values;              // of the finite elements
  std::uint64_t nan = 0;           // elements
  std::uint64_t infinite = 0;      // elements
  std::uint32_t units = 0;         // channels of an activation, rows of a weight; 0: not counted
  std::uint32_t silent_units = 0;  // of these, with nothing but zeros
  double saturated = 0;            // share of a saturating activation's outputs in its flat tails, in [0, 1]
  double weight_rms = std::numeric_limits<double>::quiet_NaN();  // phase update: of the weight before it; else NaN
};

// One backward pass with the forward pass before it. Valid during the call of end_of_step() only.
struct StepView {
  std::uint64_t step = 0;  // 0-based number of the weight update; several passes may belong to one (accumulation)
  std::uint64_t pass = 0;  // 0-based count of backward passes
  // Every operation was measured: the first steps, then as many as Options::overhead pays for. On other steps
  // `measurements` has no operations, and of the parameters those that are cheap to look at, often none.
  bool observed = false;
  bool closure = false;  // an evaluation of a closure optimizer (LBFGS): losses need not fall from pass to pass
  bool applied = true;   // false: the guard took the gradients away (OnFault::skip)
  double loss = std::numeric_limits<double>::quiet_NaN();           // NaN if it is not known
  double learning_rate = std::numeric_limits<double>::quiet_NaN();  // of the first parameter group, NaN if not known
  std::uint64_t batch_size = 0;                                     // rows of the first input, 0 if not known
  std::span<const Measurement> measurements;                        // in the order they were taken

  // nullptr if there is none. Linear in the number of measurements.
  [[nodiscard]] const Measurement* find(std::uint32_t place, Phase phase) const noexcept {
    for (const Measurement& one : measurements)
      if (one.place->id == place && one.phase == phase) return &one;
    return nullptr;
  }
};

// Thread-safety: one thread at a time calls end_of_step(), in the order of the passes: the analysis thread, or without
// Options::background whoever asks for a report. An object belongs to one monitor. It must not call the monitor.
//
// Cost: none for the training thread. An analyzer that is slower than the training lets the ring fill up, and records are
// dropped (Cost::dropped).
class Analyzer {
 public:
  virtual ~Analyzer() = default;

  // Stable, in words with dashes, and no name of a rule: "flat-feature-map". The symptom's kind in reports, and the
  // incident: all that one analyzer finds is one incident.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  // Called at the end of every pass. A violation of the same operation and phase as one before moves the last step of
  // what is reported, and may raise its severity; what was found is not taken back. A violation of severity error counts
  // as a broken training: under OnFault::abort the next backward() throws.
  //
  // Must be a function of the views alone, else a report cannot be repeated. What it throws is the monitor's trouble
  // (Options::on_trouble), not the training's: it is counted in Report::not_observed, and the next pass is shown.
  [[nodiscard]] virtual std::vector<Violation> end_of_step(const StepView& step) = 0;
};

}  // namespace sonde
