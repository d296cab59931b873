// TrainingWatch: one monitor's eyes on the training thread. Puts the probes together in the order of a step and turns
// what they see into records. Judges nothing but what the guard has to know at once: is this step poisoned?
//
// Order of a step: forward pass (the op observer writes its log) -> before_backward() -> the backward pass with
// hooks on its nodes -> after_backward(). Everything belongs to the training thread, which may change between steps.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sonde/options.h>

#include "monitor/governor.h"
#include "monitor/hook_registry.h"
#include "monitor/pass.h"
#include "probes/attribution.h"
#include "probes/backward_probe.h"
#include "probes/contract_probe.h"
#include "probes/forward_origin.h"
#include "probes/loss_view.h"
#include "probes/module_map.h"
#include "probes/op_observer.h"
#include "probes/optimizer_view.h"
#include "probes/parameter_probe.h"
#include "probes/unit_life.h"
#include "runtime/session.h"

namespace sonde::monitor {

// The model and the optimizers, looked at only while a call of the user's lasts.
struct Subject {
  torch::nn::Module* module = nullptr;     // null: bare tensors
  std::weak_ptr<torch::nn::Module> owner;  // of `module`, if it has one
  bool owned = false;
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  std::vector<torch::optim::Optimizer*> optimizers;

  [[nodiscard]] const torch::nn::Module* alive() const {
    return module != nullptr && (!owned || !owner.expired()) ? module : nullptr;
  }
};

// Throws std::invalid_argument if none of `parameters`, those of `what`, is in any of the optimizers.
void require_held(const std::vector<torch::optim::Optimizer*>& optimizers, const std::vector<at::Tensor>& parameters,
                  const char* what);

class TrainingWatch final : public probes::OpSubscriber {
 public:
  TrainingWatch(Subject subject, const Options& options, runtime::Session& session);
  ~TrainingWatch() override;
  TrainingWatch(const TrainingWatch&) = delete;
  TrainingWatch& operator=(const TrainingWatch&) = delete;

  // Watch the calling thread from now on, if it is another one than before.
  void attach_thread();
  void follow(std::vector<torch::optim::Optimizer*> optimizers);

  // How closely the operations from now on are to be watched; in full in any case while there are hooks.
  void observe(Level level);
  [[nodiscard]] bool observing() const { return level_ == Level::full; }

  using StepState = monitor::StepState;

  // `hook_graph` false: the backward pass has been run already.
  // What is pushed from now on was seen at this time (steady clock).
  void set_time(std::uint64_t now_ns) { time_ns_ = now_ns; }
  StepState before_backward(const at::Tensor& loss, bool hook_graph);
  // `ran` false: the backward pass was not run, because the loss is poisoned. `guarded`: the guard has to know, so every
  // gradient is looked at, and a device waited for; else what is on a device is known later, see take_late().
  void after_backward(StepState& state, bool ran, bool guarded);
  // A brisk step: like those before it, as far as the sentinel's few numbers show. Before its backward pass; false, and
  // nothing was done, if it is not one: call before_backward().
  [[nodiscard]] bool before_brisk(const at::Tensor& loss, StepState& state);
  // After it: the step is told and over. False if it is not healthy: go on with after_backward().
  [[nodiscard]] bool after_brisk(StepState& state, bool guarded, std::uint64_t monitor_ns);
  // An exception came out of the backward pass: takes the hooks off the graph.
  void give_up();
  // The step is over: pushes its last record. `applied` false: the guard took the gradients away.
  void end_step(const StepState& state, bool applied, std::uint64_t step_ns, std::uint64_t monitor_ns);

  // A poisoned pass of an earlier step, known only now that its device has answered.
  struct LatePoison {
    std::uint64_t step = 0;
    StepState state;
  };
  [[nodiscard]] std::optional<LatePoison> take_late() { return std::exchange(late_poisoned_, std::nullopt); }
  // Waits for the device and tells what is left to be told; nothing on another thread than that of the last step.
  void tell_all();

  // How closely the step after `last` is to be watched.
  void begin_next(const StepState& last, Level level);

  // A poisoned step that was not observed has been run again up to the loss, with observe(true): runs its backward pass
  // and pushes the origin, under the number of the step. False if none was found.
  bool explain(const at::Tensor& loss);

  void drop_gradients() { probes::OptimizerView::drop_gradients(subject_.optimizers); }
  [[nodiscard]] HookRegistry& hooks() { return hooks_; }
  [[nodiscard]] const probes::ModuleMap& modules() const { return modules_; }
  [[nodiscard]] std::uint64_t step() const { return step_; }
  [[nodiscard]] probes::OpObserver& observer() { return *observer_; }
  // Time spent in callbacks and hooks since the last call.
  [[nodiscard]] std::uint64_t take_spent_ns();

  // OpSubscriber
  bool is_state(const c10::StorageImpl* storage) const override { return modules_.is_state(storage); }
  void before(const probes::OpInfo& info, std::span<const c10::IValue> inputs) override { hooks_.before(info, inputs); }
  void after(const probes::OpInfo&, std::span<const c10::IValue> outputs) override { hooks_.after(outputs); }

 private:
  void rescan(bool force);
  void adopt_tensors();
  void number_step(const probes::Between& between);
  void push(trace::Record& record);
  void push_all(std::vector<trace::Record>& records);
  void push_step(trace::RecordKind kind, const StepState& state, bool applied, std::uint64_t step_ns,
                 std::uint64_t monitor_ns);
  void push_forward();
  void push_backward();
  void push_program();
  [[nodiscard]] bool program_is_new();
  void describe_program();
  void look_at_loss(const at::Tensor& loss, StepState& state);
  void tell_forward(StepState& state);
  void tell_gradients(StepState& state);
  void tell_end(const StepState& state, bool applied, std::uint64_t step_ns, std::uint64_t monitor_ns);
  void keep_promises(StepState& state, std::uint64_t first, std::uint64_t end);
  void await_device(StepState& state);
  void put_off(const StepState& state, bool applied, std::uint64_t step_ns, std::uint64_t monitor_ns);
  void exchange(LatePass& late);
  void tell_late(bool wait);
  void tell(LatePass& late);
  void forget_late();
  void push_loss(const StepState& state);
  void place_operations(const at::Tensor& loss, bool hook_graph);
  bool push_forward_origin();
  bool push_forward_origin(const probes::ForwardOrigin& origin, bool via_loss);
  void push_backward_origin();
  void push_unknown_origin(Phase phase, int parameter);
  void note_unseen();

  Subject subject_;
  const Options options_;
  runtime::Session& session_;
  probes::ModuleMap modules_;
  probes::OptimizerView optimizers_;
  probes::Attribution attribution_;
  probes::ParameterProbe parameters_;
  probes::ContractProbe contracts_;
  probes::BackwardProbe backward_;
  probes::UnitLife units_;
  HookRegistry hooks_;

  probes::OpObserver* observer_ = nullptr;      // of thread `observer_id_`
  std::atomic<std::uint64_t> observer_id_ = 0;  // also read by report(), on any thread
  std::shared_ptr<probes::OpObserver::Subscription> subscription_;
  Level wanted_ = Level::sentinel;
  Level level_ = Level::sentinel;  // `wanted_`, or more because of hooks

  std::uint64_t step_ = 0;
  std::uint64_t time_ns_ = 0;
  std::uint64_t explained_step_ = ~std::uint64_t{0};  // the last one whose non-finite values have a known origin
  std::uint32_t backwards_ = 0;
  std::uint32_t observed_steps_ = 0;
  bool started_ = false;
  bool last_skipped_ = false;
  bool fresh_baselines_ = false;
  std::uint64_t needed_from_ = 0;       // the operations of this pass, and of the one before
  std::uint64_t end_of_last_pass_ = 0;  // serial number of the first operation after it
  probes::LossView loss_view_;
  std::uint32_t last_position_ = 0;
  std::uint32_t loss_site_ = 0;
  std::pair<std::uint32_t, std::uint32_t> program_sites_;  // prediction and loss the program was read from
  std::uint32_t programs_ = 0;
  bool described_ = false;   // the first of them
  SeenPass seen_;            // of the pass that is run, or told
  bool late_ = false;        // tensors are on a device: passes are told when it has answered
  bool told_early_ = false;  // this pass: the guard could not wait
  std::deque<LatePass> late_passes_;
  std::optional<LatePoison> late_poisoned_;
};

}  // namespace sonde::monitor
