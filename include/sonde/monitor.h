// The monitor: attach it to a model and its optimizer, call monitor.backward(loss) in place of loss.backward().
//
//   sonde::Monitor monitor(*net, optimizer);
//   for (auto& batch : *loader) {
//     optimizer.zero_grad();
//     auto loss = torch::nll_loss(net->forward(batch.data), batch.target);
//     monitor.backward(loss);
//     optimizer.step();
//   }
//   monitor.report().print();
//
// The training is bit-identical with and without the monitor (unless Options::on_fault asks it to act).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <sonde/hooks.h>
#include <sonde/metric.h>
#include <sonde/options.h>
#include <sonde/report.h>

namespace torch::nn {
class Module;
template <typename Contained>
class ModuleHolder;
}  // namespace torch::nn
namespace torch::optim {
class Optimizer;
}

namespace sonde {

namespace monitor {
class Inspector;  // for the project's own tests
}

// What is known about a step when backward() returns.
struct Verdict {
  bool ok = true;       // false: the loss or a gradient is not finite, or training was found to be broken
  bool applied = true;  // false: the gradients were taken away (OnFault::skip)
  std::string reason;   // empty if ok

  explicit operator bool() const noexcept { return ok; }
};

// Thrown by backward() and check() under OnFault::abort. The weights are those of before the step.
class FaultFound : public std::runtime_error {
 public:
  FaultFound(const std::string& what, Finding finding) : std::runtime_error(what), finding_(std::move(finding)) {}
  [[nodiscard]] const Finding& finding() const noexcept { return finding_; }

 private:
  Finding finding_;
};

// Thrown when a monitor is attached, or told to follow() an optimizer that holds no parameter of what is watched: made
// before the model was replaced, or from another model. The training would change nothing, so it is refused at once.
class WrongOptimizer : public std::invalid_argument {
 public:
  explicit WrongOptimizer(Finding finding)
      : std::invalid_argument("sonde: " + finding.origin.message), finding_(std::move(finding)) {}
  // Cause parameter_not_optimized at the optimizer, as a report would show it.
  [[nodiscard]] const Finding& finding() const noexcept { return finding_; }

 private:
  Finding finding_;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Thread-safety: backward(), check(), pause() and hooks() belong to the thread that trains (which may change from step
// to step); report(), poll() and metric() may be called from any thread.
//
// Lifetime: the monitor owns neither model nor optimizer and looks at them only inside backward() and check(). Any of
// the three may die first; an optimizer that is made anew is announced with follow().
class Monitor {
 public:
  // Throws WrongOptimizer if `optimizer` holds no parameter of the model, and std::invalid_argument if the model has
  // none, is null or an empty holder, or if an option is out of range.
  Monitor(torch::nn::Module& model, torch::optim::Optimizer& optimizer, Options options = {});
  Monitor(std::shared_ptr<torch::nn::Module> model, torch::optim::Optimizer& optimizer, Options options = {});
  // For programs without a module: the tensors that are trained, with a name for each.
  Monitor(NamedTensors parameters, torch::optim::Optimizer& optimizer, Options options = {});
  template <typename Impl>
  Monitor(const torch::nn::ModuleHolder<Impl>& model, torch::optim::Optimizer& optimizer, Options options = {})
      : Monitor(model.is_empty() ? nullptr : std::shared_ptr<torch::nn::Module>(model.ptr()), optimizer,
                std::move(options)) {}

  // Says what was found if nobody asked; see Options::logger.
  ~Monitor();
  Monitor(Monitor&&) noexcept;
  Monitor& operator=(Monitor&&) noexcept;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // Runs loss.backward() and judges the step. `loss` must be a defined tensor with one element and a graph, else
  // std::invalid_argument. What loss.backward() throws is passed on.
  Verdict backward(const at::Tensor& loss, bool retain_graph = false, bool create_graph = false);

  // The same with the forward pass as a function that returns the loss. If the step turns out bad and was not observed
  // in full, it is run once more to find the origin: random state, buffers and gradients are put back, so the training
  // does not notice. Other side effects of `forward` happen twice then.
  Verdict backward(const std::function<at::Tensor()>& forward);

  // For those who call loss.backward() themselves: judges the step after it. Gradients of single operations are not
  // seen this way, so the origin of a non-finite gradient is known to the layer only.
  Verdict check(const at::Tensor& loss);

  // Stops watching on this thread until the returned object dies. For rollouts and the like; operations without
  // gradients are not taken for training anyway.
  class [[nodiscard]] Pause {
   public:
    explicit Pause(std::function<void()> resume) : resume_(std::move(resume)) {}
    ~Pause() {
      if (resume_) resume_();
    }
    Pause(Pause&& other) noexcept : resume_(std::exchange(other.resume_, nullptr)) {}
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    Pause& operator=(Pause&&) = delete;

   private:
    std::function<void()> resume_;
  };
  Pause pause();

  // The optimizers were made anew, or there are more than one: these update the parameters from now on.
  void follow(torch::optim::Optimizer& optimizer);
  void follow(const std::vector<torch::optim::Optimizer*>& optimizers);

  // A number of the user's own, for example once an epoch: metric("val_loss", x). It belongs to the last step that was
  // judged. Over-fitting, over-training and stalls are judged by validation metrics; all are summed up in the report
  // and drawn in TensorBoard. NaN and infinities are recorded too.
  // How it is to be read is inferred from its name, unless the first call with this name says it. Throws
  // std::invalid_argument if the name is empty. At most 256 names; of more, the report says how many were not recorded.
  // Costs some 100 ns; the first call of a thread and the first one with a name take a lock and allocate.
  void metric(std::string_view name, double value, MetricOptions how = {});

  // Functions to be called with the inputs and outputs of layers, or with their gradients.
  [[nodiscard]] Hooks& hooks();

  // Analyses what has been recorded so far, on the calling thread. Only of use with Options::background = false.
  void poll();

  // Everything known up to now.
  [[nodiscard]] Report report();

 private:
  class Impl;
  friend class monitor::Inspector;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde
