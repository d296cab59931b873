#include <sonde/preflight.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "preflight/kept_state.h"
#include "preflight/trial.h"

namespace sonde {
namespace {

using preflights::KeptState;
using preflights::Program;
using preflights::Trial;

struct Experiment {
  bool PreflightOptions::*wanted;
  void (*run)(Trial&);
  const char* question;
  bool changes_input;
};

constexpr Experiment kExperiments[] = {
    {&PreflightOptions::gradients_arrive, preflights::gradients_arrive, "whether all parameters receive a gradient",
     false},
    {&PreflightOptions::forward_is_deterministic, preflights::forward_is_deterministic,
     "whether the forward pass is deterministic", false},
    {&PreflightOptions::fits_one_batch, preflights::fits_one_batch, "whether the model can fit one batch", false},
    {&PreflightOptions::loss_depends_on_input, preflights::loss_depends_on_input,
     "whether the loss depends on the input", true},
    {&PreflightOptions::samples_are_independent, preflights::samples_are_independent,
     "whether samples depend on each other", true},
    {&PreflightOptions::custom_gradients, preflights::custom_gradients, "the gradients of custom functions", false},
};

Monitor make_monitor(const Program& program, const Options& given) {
  auto options = given;
  options.background = false;
  options.on_fault = OnFault::report;
  options.every_step = true;
  if (program.model.bare()) return {program.model.tensors(), program.optimizer, options};
  if (program.model.module() != nullptr) return {*program.model.module(), program.optimizer, options};
  return {std::shared_ptr<torch::nn::Module>(), program.optimizer, options};  // says what is wrong with it
}

void experiment(const Experiment& kind, Trial& trial) {
  if (kind.changes_input && !(trial.input().defined() && trial.input().numel() > 0)) {
    trial.not_observed(kind.question, "the loss was not given as a function of the input");
    return;
  }
  try {
    kind.run(trial);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    trial.not_observed(kind.question, "the experiment failed: " + text.substr(0, text.find('\n')));
  } catch (...) { trial.not_observed(kind.question, "the experiment failed"); }
}

Report run(const Program& program, const PreflightOptions& options) {
  options.validate();
  auto monitor = make_monitor(program, options.monitor);
  Report report;
  std::optional<KeptState> state;
  try {
    state.emplace(program.model, program.optimizer);
  } catch (const std::exception& error) {  // out of memory: what cannot be put back is not run
    report = monitor.report();
    report.not_observed.push_back({"the program", std::string("its state could not be kept: ") + error.what(), 1});
    return report;
  }
  const auto loss = program.loss_of(program.input);
  state->keep_gradients_behind(loss);
  monitor.backward(loss);
  report = monitor.report();
  Trial trial(program, options, *state, report);
  {
    const auto pause = monitor.pause();
    for (const auto& kind : kExperiments)
      if (options.*kind.wanted) experiment(kind, trial);
  }
  state->put_back();
  if (!state->trouble().empty()) trial.not_observed("all of the program's state", state->trouble());
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return report;
}

}  // namespace

void PreflightOptions::validate() const {
  monitor.validate();
  if (fit_steps < 10)
    throw std::invalid_argument("sonde: PreflightOptions::fit_steps is " + std::to_string(fit_steps) +
                                "; wanted: at least 10");
}

Report preflight(const PreflightModel& model, const std::function<at::Tensor()>& forward_and_loss,
                 torch::optim::Optimizer& optimizer, const PreflightOptions& options) {
  if (!forward_and_loss)
    throw std::invalid_argument("sonde: preflight() got an empty function; wanted: one that returns the loss");
  return run({model, optimizer, [&](const at::Tensor&) { return forward_and_loss(); }, {}}, options);
}

Report preflight(const PreflightModel& model, const std::function<at::Tensor(const at::Tensor&)>& loss_of,
                 const at::Tensor& input, torch::optim::Optimizer& optimizer, const PreflightOptions& options) {
  if (!loss_of)
    throw std::invalid_argument("sonde: preflight() got an empty function; wanted: one that returns the loss");
  if (!input.defined())
    throw std::invalid_argument("sonde: preflight() got an undefined input; wanted: an example batch");
  return run({model, optimizer, loss_of, input}, options);
}

}  // namespace sonde
