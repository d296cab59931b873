#include "preflight/trial.h"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <unordered_set>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

namespace sonde::preflights {
namespace {

std::string owner_of(const std::string& name) {
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

}  // namespace

Trial::Trial(const Program& program, const PreflightOptions& options, KeptState& state, Report& report)
    : program_(program), options_(options), state_(state), report_(report) {
  std::unordered_set<const at::TensorImpl*> held;
  for (const auto& group : program.optimizer.param_groups())
    for (const auto& parameter : group.params()) held.insert(parameter.unsafeGetTensorImpl());
  const auto add = [&](const std::string& name, const std::string& layer, const at::Tensor& tensor) {
    layers_.emplace(storage_of(tensor), layer);
    if (tensor.requires_grad() && held.contains(tensor.unsafeGetTensorImpl()))
      trained_.push_back({name, layer, tensor});
  };
  if (const auto* module = program.model.module()) {
    for (const auto& named : module->named_parameters()) add(named.key(), owner_of(named.key()), named.value());
    for (const auto& named : module->named_buffers()) add(named.key(), owner_of(named.key()), named.value());
  }
  for (const auto& [name, tensor] : program.model.tensors()) add(name, name, tensor);
}

at::Tensor Trial::loss(const at::Tensor& input) {
  auto loss = program_.loss_of(input);
  if (!loss.defined() || loss.numel() != 1)
    throw std::runtime_error("the function did not return a loss of one element this time");
  return loss;
}

void Trial::backward(const at::Tensor& loss) {
  state_.keep_gradients_behind(loss);
  loss.backward();
}

Trial::Taped Trial::record(const at::Tensor& input, Mode mode) {
  state_.begin();
  if (mode == Mode::eval && program_.model.module() != nullptr) program_.model.module()->eval();
  Taped taped;
  {
    Recorder recorder(layers_, taped.tape);
    taped.loss = loss(input);
    recorder.rethrow();
  }
  taped.tape.loss = taped.loss.item<double>();
  return taped;
}

at::Tensor Trial::shuffled_input() const {
  const at::DisableRecordFunctionGuard unobserved;
  const auto& input = program_.input;
  auto generator = at::detail::createCPUGenerator(/*seed_val=*/7);  // not the program's
  const auto order = at::randperm(input.numel(), generator, at::TensorOptions().dtype(at::kLong)).to(input.device());
  auto shuffled = input.detach().reshape({-1}).index_select(0, order).reshape(input.sizes());
  if (shuffled.equal(input)) return {};
  return shuffled.set_requires_grad(input.requires_grad());
}

void Trial::found(Severity severity, std::string kind, Location where, std::string message, RankedCause cause) {
  Finding finding;
  finding.severity = severity;
  finding.origin = {std::move(kind), where, 0, severity, message};
  cause.where = std::move(where);
  cause.evidence.push_back(std::move(message));
  finding.causes.push_back(std::move(cause));
  report_.findings.push_back(std::move(finding));
}

void Trial::not_observed(std::string what, std::string reason) {
  report_.not_observed.push_back({std::move(what), std::move(reason), 1});
}

RankedCause because(Cause cause, double confidence, std::string fix) {
  return {cause, confidence, {}, {}, std::move(fix)};
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string list(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

}  // namespace sonde::preflights
