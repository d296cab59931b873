// What a comparison of two models says: faults, with place, cause, evidence and repair, and what was looked at.
//
// Plain structs without LibTorch's types, like finding.h. A const object may be read from several threads.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/finding.h>

namespace sonde::compare {

// The parts of a comparison, in the order in which they run.
enum class Stage : std::uint8_t {
  determinism,  // does each model give the same output twice?
  input,        // do both get the same tensor?
  parameters,   // the stored tensors, buffers included
  arguments,    // eps, stride, padding, training ... of operations that correspond
  structure,    // operations that are missing, too many, of another kind, in another order or wired otherwise
  dynamic,      // what operations make of the reference's activations
};

// Why two models differ. to_string() gives the spelling used in reports, for example "parameter-permuted".
enum class Cause : std::uint8_t {
  // determinism
  not_deterministic,  // the model's output differs between two runs on the same input
  // input
  input_channels_flipped,  // RGB against BGR
  input_layout,            // NHWC against NCHW
  input_scale,             // one factor and offset, or one for each channel: /255, mean and deviation
  input_differs,           // in no way that is known
  // parameters
  parameter_value,           // other numbers
  parameter_missing,         // of one of the two only
  parameter_shape,           // another shape
  parameter_not_loaded,      // all zero, all one, or as an initialiser leaves it, where the reference was trained
  parameter_not_registered,  // used by an operation, but in no state dict: load, to and eval pass it over
  parameter_rounded,         // to half, bfloat16 or an integer grid
  parameter_transposed,      // two dimensions swapped
  parameter_flipped,         // along spatial dimensions: convolution against correlation
  parameter_permuted,        // rows or columns in another order that follows no known layout
  parameter_gate_order,      // row blocks of a recurrent layer in another order
  parameter_rotary_layout,   // rows of a head interleaved against in halves
  parameter_flatten_order,   // columns as NHWC flattens them against NCHW
  parameter_scaled,          // one factor
  // arguments
  argument,       // an operation's argument has another value
  training_mode,  // an operation that behaves otherwise in training is in training mode in one of the two
  // structure
  operation_missing,  // in the target
  operation_extra,    // in the target
  operation_kind,     // another operation in its place
  operation_order,    // the same operations in another order
  operation_wiring,   // the same operation on another operand
  // dynamic
  numeric,    // the operation gives other numbers though nothing that can be read differs
  overflow,   // non-finite in the target's precision, finite in the reference
  frozen_in,  // the same on one input, different on another: control flow or a constant was baked in
};

[[nodiscard]] std::string_view to_string(Stage stage) noexcept;
[[nodiscard]] std::string_view to_string(Cause cause) noexcept;

// A place in one of the two models. Empty fields are not known or do not apply.
struct Place {
  std::string layer;      // path in the module tree, "layer2.0.bn1"; for operations without parameters the layer before
  std::string operation;  // "batch_norm"
  std::int64_t index = -1;  // of the operation in the order of execution, views and copies not counted
  std::string name;         // of the parameter ("layer2.0.bn1.running_mean") or the argument ("eps")
  SourceLine source;
};

// What would mend a fault, and what came of trying it on a copy.
struct Repair {
  std::string what;  // "set eps = 1e-05", "copy the reference's parameter", "permute the columns"; empty: none known
  bool tried = false;
  bool accepted = false;   // the error at the operation fell below the limit
  double error_after = 0;  // relative error at the operation's output after the repair
};

// One difference that matters.
struct Fault {
  Stage stage = Stage::dynamic;
  Cause cause = Cause::numeric;
  Place target;
  Place reference;
  std::string message;                // one sentence, with numbers
  std::vector<std::string> evidence;  // one sentence each
  // Relative error (L2) of the operation's output on the reference's own activations, and what rounding alone explains
  // there. NaN where no run could tell.
  double error = 0;
  double floor = 0;
  bool visible = true;  // false: without effect on the given inputs
  Repair repair;
};

// The outputs of both models on all inputs.
struct Agreement {
  double error = 0;           // relative error (L2) of the outputs, the largest of the batches; NaN if shapes differ
  double floor = 0;           // what rounding alone explains
  std::uint64_t samples = 0;  // rows of the outputs; 0 if they are no scores (fewer than two columns)
  std::uint64_t top1_changed = 0;
  std::uint64_t top5_changed = 0;  // rows whose five best are not the same set
};

// Something that was not compared, and why.
struct NotCompared {
  std::string what;
  std::string reason;
};

struct StageOutcome {
  Stage stage = Stage::determinism;
  bool done = false;
  std::string summary;  // "161 of 162 parameters equal", or why it was not done
};

class Mends;  // src/compare/mends.h

struct Result {
  std::string reference;  // what was compared: file or name
  std::string target;
  std::vector<StageOutcome> stages;
  std::vector<Fault> faults;  // in the order of execution; the ones without effect last
  // Index of the fault at the first operation whose output leaves the noise; -1 if none does.
  std::int64_t first_divergence = -1;
  Agreement before;  // of the models as they were given
  Agreement after;   // with all accepted repairs together; equal to `before` if there were none
  std::vector<NotCompared> not_compared;
  std::shared_ptr<const Mends> mends;  // what repair() applies; null if there is nothing

  // No fault that is visible on the inputs.
  [[nodiscard]] bool equal() const noexcept;

  [[nodiscard]] std::string text() const;
  void print() const;  // text() on std::cout
  void print(std::ostream& out) const;
  // One object; its schema is described in docs/compare.md. Non-finite numbers are null.
  [[nodiscard]] std::string to_json() const;
};

}  // namespace sonde::compare
