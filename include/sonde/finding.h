// What Sonde says: findings, and the plain structs they are made of.
//
// A finding is data. Nothing in this header prints, and nothing in it needs LibTorch: writers turn it into text or JSON,
// and user code may read it directly. All structs are value types without invariants; a const object may be read from
// several threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

// A promise, not a mood: `error` means that training is broken, `warning` that it is very likely hurt, `advice` names a
// habit worth knowing. A healthy program gets no warning and no error; advice never aborts.
enum class Severity : std::uint8_t { advice, warning, error };

// Where in the life of a step something was seen.
enum class Phase : std::uint8_t {
  input,     // a tensor that came from outside the observed operations: data, labels, initial state
  forward,   // the output of an operation
  loss,      // the loss, or the operation that made it
  backward,  // the gradient that arrived at an operation's output
  gradient,  // a parameter's .grad(), as it would be applied
  weight,    // a parameter's value
  update,    // what the optimizer changed in a parameter
};

// Why training goes wrong. The list is that of the published fault benchmarks (DeepLocalize, Theia, AUTOTRAINER ...) in
// one vocabulary; to_string() gives the spelling used in reports, for example "learning-rate-too-high".
enum class Cause : std::uint8_t {
  // data
  input_not_normalized,
  input_non_finite,
  input_constant,
  labels_constant,
  labels_unrelated,
  labels_out_of_range,
  labels_shape_mismatch,
  target_not_normalized,
  data_not_shuffled,
  too_little_data,
  class_imbalance,
  // structure
  missing_activation,
  wrong_activation,
  redundant_activation,
  wrong_output_activation,
  wrong_output_width,
  wrong_layer_width,
  wrong_filter_count,
  too_few_conv_layers,
  too_many_dense_layers,
  missing_pooling,
  missing_normalization,
  missing_dropout,
  redundant_dropout,
  dropout_rate,
  wrong_kernel_size,
  too_shallow,
  too_deep,
  redundant_bias,
  // loss
  wrong_loss,
  loss_output_mismatch,
  loss_domain,
  loss_broadcast,
  loss_reduction,
  // optimisation
  learning_rate_too_high,
  learning_rate_too_low,
  wrong_optimizer,
  optimizer_settings,
  batch_size,
  too_few_epochs,
  // initialisation
  bad_initialization,
  // loop
  missing_zero_grad,
  missing_step,
  parameter_not_optimized,
  parameter_not_registered,
  frozen_parameter,
  detached_graph,
  eval_mode_while_training,
  repeated_batch,
  // numerics
  overflow,
  underflow,
  division_by_zero,
  log_of_zero,
  sqrt_at_zero,
  // the evidence does not single out a cause
  unknown,
};

[[nodiscard]] std::string_view to_string(Severity severity) noexcept;
[[nodiscard]] std::string_view to_string(Phase phase) noexcept;
[[nodiscard]] std::string_view to_string(Cause cause) noexcept;

// A line of the user's program. `file` is empty when the line is not known (no debug information); `function` then
// still names the nearest symbol, if there is one.
struct SourceLine {
  std::string file;
  std::string function;
  std::uint32_t line = 0;

  [[nodiscard]] bool known() const noexcept { return !file.empty(); }
};

// A place in the program: layer path / operation / phase / source line. Empty `layer` means that the place is no layer;
// `part` then says what it is: "loss", "optimizer", "data", "labels", "loop", "metric" or "model".
struct Location {
  std::string layer;  // path in the module tree, for example "encoder.0"; for bare tensors the tensor's name
  std::string part;
  std::string operation;  // as LibTorch names it, for example "aten::log"; for backward phases the node, "LogBackward0"
  Phase phase = Phase::forward;
  SourceLine source;
};

// One cause of an incident, with what speaks for it.
struct RankedCause {
  Cause cause = Cause::unknown;
  double confidence = 0;              // in [0, 1]; comparable between the causes of one finding
  Location where;                     // what this cause blames, which need not be the place where it was seen
  std::vector<std::string> evidence;  // one sentence each, with numbers
  std::string fix;                    // what to change, in words a user can act on
};

// What was seen, once.
struct Symptom {
  std::string kind;  // stable name, for example "vanishing-gradient"; the list is in docs/checks.md
  Location where;
  std::uint64_t step = 0;  // 0-based number of the weight update
  Severity severity = Severity::warning;
  std::string message;  // one sentence, with numbers
};

// One incident: an origin, why it happened, and what followed from it.
struct Finding {
  Severity severity = Severity::warning;
  Symptom origin;                       // the earliest symptom in (step, position in the data flow)
  std::vector<std::string> context;     // further facts about the origin, one line each
  std::vector<RankedCause> causes;      // best first; never empty (Cause::unknown if nothing is known)
  std::vector<Symptom> followed_by;     // the first of the symptoms folded into this incident, at most eight
  std::uint64_t followed_by_count = 0;  // all of them
  std::uint64_t followed_by_layers = 0;
  std::uint64_t last_step = 0;  // the last step on which the incident showed
  std::string kept;             // what the guard did, empty if nothing
};

}  // namespace sonde
