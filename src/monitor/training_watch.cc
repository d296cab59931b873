#include "monitor/training_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <sonde/monitor.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

namespace sonde::monitor {
namespace {

using probes::Answer;

// Identical units are a matter of initialisation; later they are not looked for.
constexpr std::uint32_t kFreshSteps = 20;

// Programs that take turns between losses (a GAN under one monitor) are not read again for ever.
constexpr std::uint32_t kMostPrograms = 16;

}  // namespace

void require_held(const std::vector<torch::optim::Optimizer*>& optimizers, const std::vector<at::Tensor>& parameters,
                  const char* what) {
  std::size_t total = 0;
  for (const auto* optimizer : optimizers)
    for (const auto& group : optimizer->param_groups())
      for (const auto& p : group.params()) {
        ++total;
        if (p.defined() &&
            std::any_of(parameters.begin(), parameters.end(), [&](const auto& own) { return own.is_same(p); }))
          return;
      }
  Finding finding;
  finding.severity = finding.origin.severity = Severity::error;
  finding.origin.kind = "parameter-not-optimized";
  finding.origin.where.part = "optimizer";
  finding.origin.where.phase = Phase::update;
  finding.origin.message =
      "the optimizer holds " + std::to_string(total) + " parameter(s), none of which belongs to " + what +
      " with its " + std::to_string(parameters.size()) +
      "; wanted: an optimizer built from the parameters of what is monitored (and after they were replaced)";
  RankedCause cause;
  cause.cause = Cause::parameter_not_optimized;
  cause.confidence = 0.98;
  cause.where = finding.origin.where;
  cause.evidence = {finding.origin.message};
  cause.fix = "build the optimizer after the model has been made, loaded or replaced, from its parameters()";
  finding.causes.push_back(std::move(cause));
  throw WrongOptimizer(std::move(finding));
}

TrainingWatch::TrainingWatch(Subject subject, const Options& options, runtime::Session& session)
    : subject_(std::move(subject)),
      options_(options),
      session_(session),
      attribution_(session.catalog(), modules_),
      parameters_(modules_, optimizers_),
      contracts_(modules_, optimizers_, parameters_),
      hooks_(modules_, [this] { observe(wanted_); }) {
  rescan(true);
  optimizers_.rescan(subject_.optimizers);
  push_program();
}

TrainingWatch::~TrainingWatch() {
  if (subscription_) subscription_->alive.store(false, std::memory_order_relaxed);
  if (observer_ && probes::OpObserver::of_this_thread().id() == observer_id_) observer_->update();
}

void TrainingWatch::attach_thread() {
  auto& here = probes::OpObserver::of_this_thread();
  if (observer_id_ == here.id()) return;
  if (subscription_) subscription_->alive.store(false, std::memory_order_relaxed);
  observer_ = &here;
  observer_id_ = here.id();
  forget_late();
  parameters_.use(&here.device());
  backward_.use(&here.device());
  subscription_ = here.subscribe(*this);
  observe(wanted_);
}

void TrainingWatch::follow(std::vector<torch::optim::Optimizer*> optimizers) {
  if (const auto* module = subject_.alive()) require_held(optimizers, module->parameters(), "the model");
  subject_.optimizers = std::move(optimizers);
  optimizers_.rescan(subject_.optimizers);
  contracts_.reset();
  fresh_baselines_ = true;
  if (subject_.module == nullptr) adopt_tensors();
  push_program();
}

void TrainingWatch::observe(Level level) {
  wanted_ = level;
  const bool calls = hooks_.any_forward();
  level_ = calls || hooks_.any_backward() ? Level::full : level;
  if (!subscription_) return;
  const bool measure = level_ == Level::full;
  if (measure) {
    observer_->set_capture_frames(options_.source_lines);
    observer_->set_measure_unit_spread(observed_steps_ < kFreshSteps);
    modules_.refresh_storages();
  }
  if (measure == subscription_->measure && calls == subscription_->calls) return;
  subscription_->measure = measure;
  subscription_->calls = calls;
  observer_->update();
}

std::uint64_t TrainingWatch::take_spent_ns() {
  return backward_.take_spent_ns() + (observer_ ? observer_->take_spent() : 0);
}

// ---- the model and the optimizers -----------------------------------------------------------------------------------

void TrainingWatch::rescan(bool force) {
  const auto* module = subject_.alive();
  if (subject_.module != nullptr && module == nullptr) return;  // the model is gone; what is known stays
  if (module != nullptr) {
    if (!force && !modules_.differs(*module)) return;
    modules_.rescan(*module);
  } else {
    if (!force) return;
    modules_.rescan(subject_.tensors);
    subject_.tensors.clear();  // the map holds them weakly
  }
  attribution_.modules_changed();
  parameters_.modules_changed();
  contracts_.reset();
  if (!force) fresh_baselines_ = true;
}

// Bare tensors that were replaced: the optimizers tell which ones are trained now.
void TrainingWatch::adopt_tensors() {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (std::size_t i = 0; i < modules_.parameter_count(); ++i)
    if (const auto impl = modules_.parameters()[i].lock())
      tensors.emplace_back(modules_.parameters()[i].path, at::Tensor(impl));
  std::vector<std::string> free_names;
  for (std::size_t i = 0; i < modules_.parameter_count(); ++i) {
    const auto impl = modules_.parameters()[i].lock();
    if (!impl || !optimizers_.holds(impl.get())) free_names.push_back(modules_.parameters()[i].path);
  }
  bool changed = false;
  for (auto* optimizer : subject_.optimizers)
    for (const auto& group : optimizer->param_groups())
      for (const auto& parameter : group.params()) {
        const bool known =
            std::any_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.second.is_same(parameter); });
        if (known || !parameter.defined()) continue;
        changed = true;
        std::string name = "parameter" + std::to_string(tensors.size());
        if (!free_names.empty()) {
          name = free_names.front();
          free_names.erase(free_names.begin());
          std::erase_if(tensors, [&](const auto& t) { return t.first == name; });
        }
        tensors.emplace_back(name, parameter);
      }
  if (!changed) return;
  modules_.rescan(tensors);
  attribution_.modules_changed();
  parameters_.modules_changed();
  contracts_.reset();
  fresh_baselines_ = true;
}

// ---- the order of a step --------------------------------------------------------------------------------------------

void TrainingWatch::number_step(const probes::Between& between) {
  const bool accumulates = between.weights_changed != Answer::yes && between.gradients_cleared != Answer::yes;
  if (!started_) {
    started_ = true;
    backwards_ = 1;
  } else if (accumulates && backwards_ > 0 && between.weights_changed == Answer::no &&
             between.gradients_cleared == Answer::no) {
    ++backwards_;
  } else {
    ++step_;
    backwards_ = 1;
  }
}

void TrainingWatch::place_operations(const at::Tensor& loss, bool hook_graph) {
  auto& log = observer_->log();
  modules_.refresh_storages();
  if (hook_graph) {
    probes::BackwardProbe::OnGradient on_gradient;
    if (hooks_.any_backward())
      on_gradient = [this](std::uint64_t serial, const std::vector<at::Tensor>& gradients) {
        const auto* placed = attribution_.find(serial);
        if (placed && placed->uses_parameters && !placed->is_view) hooks_.gradients(placed->layer, gradients);
      };
    backward_.attach(loss, log, std::move(on_gradient));
  }
  const auto& placed =
      attribution_.place(log, loss.unsafeGetTensorImpl(),
                         hook_graph ? std::span(backward_.operations()) : std::span<const std::uint64_t>{});
  loss_view_ = probes::view_loss(log, attribution_, placed);
  last_position_ = placed.empty() ? 0 : placed.back().position;
  if (placed.empty()) {
    session_.catalog().not_observed("a step's operations", "the loss came from no operation seen on this thread");
  }
}

// The loss, its target and the input are described at the first loss, and again when a program goes on with another one.
bool TrainingWatch::program_is_new() {
  const auto* prediction = attribution_.find(loss_view_.prediction);
  const auto* loss = attribution_.find(loss_view_.loss_serial);
  const auto sites = std::make_pair(prediction ? prediction->site : 0, loss ? loss->site : 0);
  if (attribution_.placed().empty() || sites == program_sites_ || programs_ >= kMostPrograms) return false;
  program_sites_ = sites;
  ++programs_;
  return true;
}

void TrainingWatch::describe_program() {
  auto program = session_.catalog().program();
  if (!std::exchange(described_, true)) {
    if (const auto* module = subject_.alive()) modules_.read_modes(*module);
    program.modules.clear();
    for (const auto& layer : modules_.layers()) program.modules.push_back({layer.path, layer.type, layer.training});
  }
  probes::describe_loss(observer_->log(), attribution_, loss_view_, seen_.batch, program);
  session_.catalog().set_program(std::move(program));
}

TrainingWatch::StepState TrainingWatch::before_backward(const at::Tensor& loss, bool hook_graph) {
  StepState state;
  state.level = level_;
  state.observed = level_ == Level::full;
  hooks_.flush();
  if (state.observed) {
    rescan(false);
    if (optimizers_.rescan(subject_.optimizers) && subject_.module == nullptr) adopt_tensors();
  } else {
    optimizers_.read_rates(subject_.optimizers);
  }
  state.between = state.level == Level::sentinel ? parameters_.glance() : parameters_.look();
  if (!hook_graph) state.between.gradients_cleared = Answer::unknown;  // this pass has written them since
  number_step(state.between);
  look_at_loss(loss, state);

  for (auto* records : {&seen_.updates, &seen_.operations, &seen_.states, &seen_.contracts}) records->clear();
  seen_.first_of_run = std::exchange(fresh_baselines_, false);
  seen_.learning_rate = optimizers_.first_rate();
  seen_.closure = optimizers_.settings().closure;
  const auto* module = subject_.alive();
  seen_.training_mode = module == nullptr ? 2 : module->is_training() ? 1 : 0;
  if (state.between.weights_changed != Answer::no)
    parameters_.append_updates(attribution_, seen_.updates, seen_.promised_updates);
  if (state.observed) {
    place_operations(loss, hook_graph);
    seen_.describes = program_is_new();
    if (seen_.describes) seen_.batch = probes::sample_batch(*observer_, loss_view_);
    contracts_.look_at_operations(observer_->log(), attribution_.placed(), seen_.operations);
  }
  late_ = late_ || observer_->device().used();
  if (!late_) tell_forward(state);
  return state;
}

void TrainingWatch::tell_forward(StepState& state) {
  // Where only the sentinel looks, the end says it all.
  if (state.level != Level::sentinel || seen_.first_of_run) push_step(trace::RecordKind::step_begin, state, true, 0, 0);
  push_all(seen_.updates);
  if (state.observed) {
    if (seen_.describes) describe_program();  // before the records it explains
    push_forward();
    push_all(seen_.operations);
  }
  push_loss(state);
  if (!state.loss_finite) state.unexplained = !state.observed || !push_forward_origin();
}

void TrainingWatch::after_backward(StepState& state, bool ran, bool guarded) {
  backward_.detach();
  seen_.ran = ran;
  if (ran)
    seen_.verdict = state.observed ? parameters_.append_state(attribution_, seen_.states, session_.catalog())
                                   : parameters_.check_gradients(guarded);
  if (const auto failures = backward_.take_failures())
    session_.catalog().not_observed("gradients", "could not be measured", failures);

  if (ran && state.level != Level::sentinel) {
    if (!state.observed) parameters_.note();
    probes::StepView view;
    view.observed = state.observed;
    view.between = state.between;
    view.batch_fingerprint = state.observed ? loss_view_.fingerprint : 0;
    const auto* module = subject_.alive();
    view.root_training = module == nullptr || module->is_training();
    view.skipped = last_skipped_;
    view.defaults_edited = optimizers_.defaults_edited(subject_.optimizers, view.rate_in_defaults, view.rate_in_groups);
    view.all_rates_zero = optimizers_.all_rates_zero();
    contracts_.step(view, attribution_, seen_.contracts);
  }
  told_early_ = late_ && guarded;
  if (told_early_) {
    tell_late(true);
    await_device(state);
    tell_forward(state);
  } else if (late_) {
    tell_late(false);
  }
  if (!late_ || told_early_) tell_gradients(state);
  observed_steps_ += state.observed;
  note_unseen();
}

void TrainingWatch::tell_gradients(StepState& state) {
  if (state.observed) push_backward();
  if (seen_.ran) {
    state.gradients_finite = seen_.verdict.finite;
    push_all(seen_.states);
    if (!state.gradients_finite && state.loss_finite) {
      state.unexplained = !state.observed || !backward_.pass().origin().found;
      state.unexplained_parameter = seen_.verdict.parameter;
      if (!state.unexplained) push_backward_origin();
    }
  }
  push_all(seen_.contracts);
}

void TrainingWatch::give_up() {
  backward_.detach();
  session_.catalog().not_observed("a step", "an exception left the backward pass");
}

void TrainingWatch::end_step(const StepState& state, bool applied, std::uint64_t step_ns, std::uint64_t monitor_ns) {
  last_skipped_ = !applied;
  observer_->expect_update();
  if (late_ && !told_early_)
    put_off(state, applied, step_ns, monitor_ns);
  else
    tell_end(state, applied, step_ns, monitor_ns);
  // Two passes back: losses with a common trunk, networks that train each other.
  needed_from_ = std::exchange(end_of_last_pass_, observer_->log().next_serial());
  subscription_->needed_from =
      late_passes_.empty() ? needed_from_ : std::min(needed_from_, late_passes_.front().needs_from);
  if (!observer_->log().empty()) observer_->trim();
}

void TrainingWatch::tell_end(const StepState& state, bool applied, std::uint64_t step_ns, std::uint64_t monitor_ns) {
  // A later pass of the same step meets what an earlier one left in the gradients.
  if (state.unexplained && explained_step_ != step_)
    push_unknown_origin(state.loss_finite ? Phase::gradient : Phase::loss, state.unexplained_parameter);
  push_step(trace::RecordKind::step_end, state, applied, step_ns, monitor_ns);
  session_.end_step(session_.producer_for_this_thread());
}

void TrainingWatch::begin_next(const StepState& last, Level level) {
  observe(level);
  // What the contract is judged by, if the last step did not note it.
  if (last.level == Level::sentinel && level_ != Level::sentinel) parameters_.note();
}

bool TrainingWatch::explain(const at::Tensor& loss) {
  place_operations(loss, true);
  StepState state;
  look_at_loss(loss, state);
  // The loss of a device is known after the backward pass.
  if (state.loss_finite) loss.backward();
  backward_.detach();
  if (late_) await_device(state);
  if (!state.loss_finite) return push_forward_origin();
  const bool found = backward_.pass().origin().found;
  if (found) push_backward_origin();
  return found;
}

void TrainingWatch::note_unseen() {
  if (const auto lost = observer_->take_overflow())
    session_.catalog().not_observed("operations", "too many between two backward passes, or they could not be read",
                                    lost);
}

}  // namespace sonde::monitor
