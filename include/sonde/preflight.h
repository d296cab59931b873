// Preflight: one traced step and, if asked for, experiments, before the first update. The model does not notice.
//
//   auto loss_of = [&](const at::Tensor& input) { return torch::nll_loss(net->forward(input), batch.target); };
//   auto report = sonde::preflight(net, loss_of, batch.data, optimizer, sonde::PreflightOptions::all());
//   report.print();
//
// Afterwards all is as before, bit for bit: parameters, buffers, gradients (also those that were undefined, and those of
// other models the loss runs through), requires_grad, the random state of the CPU and of the devices the tensors are on,
// train and eval mode. The optimizer is read, never stepped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <ATen/core/Tensor.h>
#include <sonde/monitor.h>
#include <sonde/options.h>
#include <sonde/report.h>

namespace sonde {

// What preflight() looks at: all that a Monitor accepts. A module given by reference must outlive the call; a null one
// or an empty holder is refused by preflight() with std::invalid_argument.
class PreflightModel {
 public:
  PreflightModel(torch::nn::Module& model) : module_(&model) {}
  template <typename Module>
  PreflightModel(const std::shared_ptr<Module>& model) : module_(model.get()), owner_(model) {}
  template <typename Impl>
  PreflightModel(const torch::nn::ModuleHolder<Impl>& model)
      : PreflightModel(model.is_empty() ? nullptr : std::shared_ptr<Impl>(model.ptr())) {}
  // For programs without a module: the tensors that are trained.
  PreflightModel(NamedTensors parameters) : tensors_(std::move(parameters)), bare_(true) {}

  [[nodiscard]] torch::nn::Module* module() const noexcept { return module_; }  // null for bare tensors
  [[nodiscard]] const NamedTensors& tensors() const noexcept { return tensors_; }
  [[nodiscard]] bool bare() const noexcept { return bare_; }

 private:
  torch::nn::Module* module_ = nullptr;
  std::shared_ptr<torch::nn::Module> owner_;
  NamedTensors tensors_;
  bool bare_ = false;
};

// Which experiments to make. Each runs the program a few times (given below, in forward passes F and backward passes B)
// and puts everything back. What could not be judged is in Report::not_observed, with the reason.
struct PreflightOptions {
  // Of the monitor that traces the step; every_step, background and on_fault mean nothing for a single step.
  Options monitor = {};

  // Do all parameters receive a gradient? 4 F, 3 B.
  bool gradients_arrive = false;
  // Does the forward pass give the same twice, from the same random state? 2 F.
  bool forward_is_deterministic = false;
  // Can the model fit one batch, with the optimizer's own settings? fit_steps F and B; 20 F more
  // where the loss does not fall.
  bool fits_one_batch = false;
  // Does the loss depend on the input at all? 2 F, 2 B. Needs the loss as a function of the input.
  bool loss_depends_on_input = false;
  // Does one sample's output depend on another sample? In eval mode, because batch normalisation mixes the samples it is
  // trained on. Layers that mix samples on purpose (minibatch discrimination) are found too. 2 F. Needs the loss as a
  // function of the input.
  bool samples_are_independent = false;
  // Do the backward passes of torch::autograd::Function subclasses agree with finite differences of their forward
  // passes? 12 F for each input of each of them.
  bool custom_gradients = false;

  // Updates of fits_one_batch. At least 10.
  std::uint32_t fit_steps = 100;
  // The dimension of the input that counts the samples (1 for [time, batch, features]). Negative: from the last.
  std::int64_t batch_dimension = 0;

  [[nodiscard]] static PreflightOptions all() {
    PreflightOptions options;
    options.gradients_arrive = options.forward_is_deterministic = options.fits_one_batch = true;
    options.loss_depends_on_input = options.samples_are_independent = options.custom_gradients = true;
    return options;
  }

  // Throws std::invalid_argument that names the field, its value and what is wanted.
  void validate() const;
};

// Runs `forward_and_loss`, which returns the loss without calling backward() or a step, and its backward pass, and says
// what is known about the program then. Throws what forward_and_loss or its backward pass throw in the traced step (all
// is put back first), and std::invalid_argument where a Monitor would. What they throw in an experiment is in
// Report::not_observed. Random numbers that do not come from LibTorch's default generators, and whatever else
// forward_and_loss changes outside the model, are its own. Thread-safety: as a training step of the model.
[[nodiscard]] Report preflight(const PreflightModel& model, const std::function<at::Tensor()>& forward_and_loss,
                               torch::optim::Optimizer& optimizer, const PreflightOptions& options = {});

// The same with the loss as a function of the input, for experiments that change the input; `input` is an example batch.
// It must not be written to by `loss_of`.
[[nodiscard]] Report preflight(const PreflightModel& model, const std::function<at::Tensor(const at::Tensor&)>& loss_of,
                               const at::Tensor& input, torch::optim::Optimizer& optimizer,
                               const PreflightOptions& options = {});

}  // namespace sonde
