// Trial: the program under experiment, as all experiments use it.
//
// It runs the program from the kept state, so that each run is the first one, and collects what experiments find. The
// program's exceptions go through; preflight() catches them around each experiment.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sonde/preflight.h>

#include "preflight/kept_state.h"
#include "preflight/tape.h"

namespace sonde::preflights {

struct Program {
  const PreflightModel& model;
  torch::optim::Optimizer& optimizer;
  std::function<at::Tensor(const at::Tensor&)> loss_of;
  at::Tensor input;  // undefined if the loss was not given as a function of the input
};

struct TrialParameter {
  std::string name;  // "encoder.0.weight"
  std::string layer;
  at::Tensor tensor;
};

class Trial {
 public:
  Trial(const Program& program, const PreflightOptions& options, KeptState& state, Report& report);

  [[nodiscard]] const PreflightOptions& options() const { return options_; }
  [[nodiscard]] KeptState& state() { return state_; }
  [[nodiscard]] torch::optim::Optimizer& optimizer() { return program_.optimizer; }
  [[nodiscard]] const at::Tensor& input() const { return program_.input; }
  // Those that require a gradient and that the optimizer holds.
  [[nodiscard]] const std::vector<TrialParameter>& trained() const { return trained_; }

  // The loss, from the state as it is at the moment. Throws std::runtime_error if it is no single number.
  [[nodiscard]] at::Tensor loss(const at::Tensor& input);
  [[nodiscard]] at::Tensor loss() { return loss(program_.input); }
  void backward(const at::Tensor& loss);

  enum class Mode { as_is, eval };
  struct Taped {
    Tape tape;
    at::Tensor loss;
  };
  // From the kept state: the forward pass on tape.
  [[nodiscard]] Taped record(const at::Tensor& input, Mode mode = Mode::as_is);

  // The input with its elements in another order; undefined if that is the same input.
  [[nodiscard]] at::Tensor shuffled_input() const;

  void found(Severity severity, std::string kind, Location where, std::string message, RankedCause cause);
  void not_observed(std::string what, std::string reason);

 private:
  const Program& program_;
  const PreflightOptions& options_;
  KeptState& state_;
  Report& report_;
  std::vector<TrialParameter> trained_;
  LayersByStorage layers_;
};

[[nodiscard]] RankedCause because(Cause cause, double confidence, std::string fix);
[[nodiscard]] std::string number(double value);  // three digits
[[nodiscard]] std::string list(const std::vector<std::string>& names, std::size_t most = 4);

// The experiments.
void gradients_arrive(Trial& trial);
void forward_is_deterministic(Trial& trial);
void fits_one_batch(Trial& trial);
void loss_depends_on_input(Trial& trial);
void samples_are_independent(Trial& trial);
void custom_gradients(Trial& trial);

}  // namespace sonde::preflights
