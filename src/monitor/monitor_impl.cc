#include "monitor/monitor_impl.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "probes/call_site.h"

namespace sonde {
namespace {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

runtime::Session::Extras extras(const Options& options) {
  runtime::Session::Extras extras;
  if (options.source_lines)
    extras.resolve = [](std::span<const std::uintptr_t> frames) { return probes::resolve(frames); };
  return extras;
}

std::string reason_of(std::uint64_t step, const monitor::StepState& state) {
  std::ostringstream reason;
  if (!state.loss_finite)
    reason << "the loss of step " << step << " is "
           << (std::isnan(state.loss) ? "nan"
               : state.loss > 0       ? "inf"
                                      : "-inf");
  else
    reason << "a gradient of step " << step << " is not finite";
  return reason.str();
}

void check_loss(const at::Tensor& loss, bool ran) {
  if (!loss.defined())
    throw std::invalid_argument("sonde: the loss is an undefined tensor; wanted: the tensor backward() starts from");
  if (loss.numel() != 1) {
    std::ostringstream message;
    message << "sonde: the loss has shape " << loss.sizes() << "; wanted: one element (take its mean or sum)";
    throw std::invalid_argument(message.str());
  }
  if (!loss.requires_grad() && !ran)
    throw std::invalid_argument(
        "sonde: the loss has no graph (requires_grad is false); wanted: a loss computed from the parameters with grad "
        "mode on");
}

}  // namespace

// Adds up the monitor's own time in one call of the user's: all of it but the user's parts.
class Monitor::Impl::Account {
 public:
  explicit Account(monitor::TrainingWatch& watch) : watch_(watch), begin_(now_ns()) { watch_.set_time(begin_); }
  void users_part_begins() { users_begin_ = now_ns(); }
  void users_part_ends() {
    const auto now = now_ns();
    users_ns_ += now - users_begin_;
    watch_.set_time(now);
  }
  // What callbacks spent inside the user's parts is the monitor's, too.
  [[nodiscard]] std::uint64_t spent(std::uint64_t now) const {
    return now - begin_ - users_ns_ + watch_.take_spent_ns();
  }

 private:
  monitor::TrainingWatch& watch_;
  std::uint64_t begin_;
  std::uint64_t users_begin_ = 0;
  std::uint64_t users_ns_ = 0;
};

Monitor::Impl::Impl(monitor::Subject subject, Options options)
    : options_((options.validate(), std::move(options))),
      session_(options_, extras(options_)),
      watch_(std::move(subject), options_, session_),
      governor_(options_) {
  watch_.attach_thread();
  watch_.observe(monitor::Level::full);
  last_step_ns_ = now_ns();
}

// The threads that gave metrics must be done with the monitor by now, as with any object.
Monitor::Impl::~Impl() {
  safely([this] {
    if (asked_ && !options_.logger) return session_.close(nullptr);
    const Report last = report();
    session_.close(last.context.steps > 0 ? &last : nullptr);
  });
}

Report Monitor::Impl::report_to_user() {
  asked_ = true;
  return report();
}

void Monitor::Impl::metric(std::string_view name, double value, MetricOptions how) {
  if (name.empty()) throw std::invalid_argument("sonde: a metric has an empty name; wanted: a name to show in reports");
  session_.metric(name, value, how, judged_step_.load(std::memory_order_relaxed), now_ns());
}

// The monitor's own failures never reach the training; a step it could not watch is one it did not see.
template <typename Look>
bool Monitor::Impl::safely(const Look& look) {
  try {
    look();
    return true;
  } catch (const std::exception& error) {
    session_.troubles().note("the monitor could not watch a step", error.what());
  } catch (...) { session_.troubles().note("the monitor could not watch a step", "unknown exception"); }
  return false;
}

void Monitor::Impl::enter() {
  watch_.attach_thread();
  watch_.hooks().flush();
  watch_.hooks().rethrow();
}

[[gnu::hot]] Verdict Monitor::Impl::backward(const at::Tensor& loss, bool retain_graph, bool create_graph,
                                             const std::function<at::Tensor()>* forward) {
  if (may_be_brisk_ > 0) {
    --may_be_brisk_;
    if (monitor::TrainingWatch::StepState state; begins_briskly(loss, state))
      return go_briskly(loss, state, retain_graph, create_graph, forward);
  }
  check_loss(loss, false);
  Account account(watch_);
  enter();
  if (options_.on_fault == OnFault::abort && session_.broken()) abort("training was found to be broken");
  const probes::OpObserver::Silence silence(watch_.observer());
  monitor::TrainingWatch::StepState state;
  const bool watched = safely([&] { state = watch_.before_backward(loss, true); });
  if (!watched) watch_.give_up();
  const bool stop_here = !state.loss_finite && guarded();
  if (!stop_here) {
    account.users_part_begins();
    run_backward(loss, retain_graph, create_graph);
    account.users_part_ends();
  }
  if (!watched || !safely([&] { watch_.after_backward(state, !stop_here, guarded()); })) return {};
  return judge(state, account, forward);
}

[[gnu::hot]] void Monitor::Impl::run_backward(const at::Tensor& loss, bool retain_graph, bool create_graph) {
  try {
    // The default of retain_graph is create_graph.
    retain_graph ? loss.backward({}, true, create_graph) : loss.backward({}, {}, create_graph);
  } catch (...) {
    watch_.give_up();
    throw;
  }
}

[[gnu::hot]] bool Monitor::Impl::begins_briskly(const at::Tensor& loss, monitor::TrainingWatch::StepState& state) {
  bool brisk = false;
  safely([&] { brisk = loss.requires_grad() && !session_.broken() && watch_.before_brisk(loss, state); });
  return brisk;
}

// A step on which nothing is told but the loss, and no clock is read; as far as it turns out to be healthy.
[[gnu::hot]] Verdict Monitor::Impl::go_briskly(const at::Tensor& loss, monitor::TrainingWatch::StepState& state,
                                               bool retain_graph, bool create_graph,
                                               const std::function<at::Tensor()>* forward) {
  const probes::OpObserver::Silence silence(watch_.observer());
  run_backward(loss, retain_graph, create_graph);
  bool healthy = false;
  const bool watched = safely([&] { healthy = watch_.after_brisk(state, guarded(), brisk_ns_); });
  if (healthy) {
    judged_step_.store(watch_.step(), std::memory_order_relaxed);
    ++were_brisk_;
    return {};
  }
  Account account(watch_);
  if (!watched || !safely([&] { watch_.after_backward(state, true, guarded()); })) return {};
  return judge(state, account, forward);
}

Verdict Monitor::Impl::backward(const std::function<at::Tensor()>& forward) {
  if (!forward)
    throw std::invalid_argument("sonde: backward() got an empty function; wanted: one that returns the loss");
  enter();
  if (!watch_.observing()) replay_.keep(watch_.modules());
  const auto loss = forward();
  return backward(loss, false, false, &forward);
}

Verdict Monitor::Impl::check(const at::Tensor& loss) {
  Account account(watch_);
  check_loss(loss, true);
  enter();
  if (options_.on_fault == OnFault::abort && session_.broken()) abort("training was found to be broken");
  const probes::OpObserver::Silence silence(watch_.observer());
  monitor::TrainingWatch::StepState state;
  const bool watched = safely([&] {
    state = watch_.before_backward(loss, false);
    watch_.after_backward(state, true, guarded());
  });
  return watched ? judge(state, account, nullptr) : Verdict{};
}

Verdict Monitor::Impl::judge(monitor::TrainingWatch::StepState& state, Account& account,
                             const std::function<at::Tensor()>* forward) {
  Verdict verdict;
  if (state.poisoned()) {
    verdict.ok = false;
    verdict.reason = reason_of(watch_.step(), state);
    if (!state.observed) {
      if (forward && explain(*forward)) state.unexplained = false;
      governor_.insist(3);
    }
    if (guarded()) {
      watch_.drop_gradients();
      verdict.applied = false;
    }
  } else if (const auto late = watch_.take_late()) {
    verdict.ok = false;
    verdict.reason = reason_of(late->step, late->state);
    if (!late->state.observed) governor_.insist(3);
  } else if (session_.broken()) {
    verdict.ok = false;
    verdict.reason = "training was found to be broken; see the report";
  }

  judged_step_.store(watch_.step(), std::memory_order_relaxed);
  const auto end = now_ns();
  const auto monitor_ns = account.spent(end) + last_tail_ns_;
  const auto step_ns = end - last_step_ns_;
  const auto decision = governor_.next({state.level, step_ns, monitor_ns, state.plain(), std::exchange(were_brisk_, 0)},
                                       session_.suspicious());
  watch_.set_time(end);
  watch_.end_step(state, verdict.applied, step_ns, decision.cost_ns);
  watch_.begin_next(state, decision.level);
  last_step_ns_ = end;
  last_tail_ns_ = now_ns() - end;
  brisk_ns_ = decision.brisk_ns;
  may_be_brisk_ = decision.brisk;
  watch_.hooks().rethrow();
  if (!verdict.applied && options_.on_fault == OnFault::abort) abort(verdict.reason);
  // What the rules find wrong on the first step is known before its update.
  if (options_.on_fault == OnFault::abort && std::exchange(first_step_, false)) {
    safely([this] { session_.poll(); });
    if (session_.broken()) abort("training was found to be broken");
  }
  return verdict;
}

// Runs the step again with everything observed. All the training can see is as before afterwards. True if the origin of
// the trouble was found.
bool Monitor::Impl::explain(const std::function<at::Tensor()>& forward) {
  bool found = false;
  monitor::Replay after;
  after.keep(watch_.modules());
  replay_.put_back(watch_.modules());
  {
    const monitor::GradientsAside aside(watch_.modules());
    watch_.observe(monitor::Level::full);
    try {
      at::Tensor loss;
      {
        const probes::OpObserver::Speech speech(watch_.observer());
        loss = forward();
      }
      if (loss.defined() && loss.numel() == 1) found = watch_.explain(loss);
    } catch (const std::exception& error) {
      session_.troubles().note("a bad step could not be run again", error.what());
    }
  }
  after.put_back(watch_.modules());
  return found;
}

void Monitor::Impl::abort(const std::string& reason) {
  const auto now = report();
  const auto broken = std::find_if(now.findings.begin(), now.findings.end(),
                                   [](const Finding& f) { return f.severity == Severity::error; });
  if (broken == now.findings.end()) {
    Finding unexplained;
    unexplained.severity = Severity::error;
    unexplained.origin.message = reason;
    throw FaultFound("sonde: " + reason, unexplained);
  }
  std::ostringstream text;
  const auto& where = broken->origin.where;
  text << "sonde: " << reason << ": " << (broken->causes.empty() ? "unknown" : to_string(broken->causes[0].cause))
       << " in " << to_string(where.phase) << " of " << (where.layer.empty() ? where.part : where.layer) << " ("
       << where.operation << ")";
  if (where.source.known())
    text << ", " << where.source.file.substr(where.source.file.rfind('/') + 1) << ":" << where.source.line;
  throw FaultFound(text.str(), *broken);
}

Monitor::Pause Monitor::Impl::pause() {
  watch_.attach_thread();
  auto silence = std::make_shared<probes::OpObserver::Silence>(watch_.observer());
  return Pause([silence]() mutable { silence.reset(); });
}

void Monitor::Impl::follow(std::vector<torch::optim::Optimizer*> optimizers) {
  if (optimizers.empty() || std::any_of(optimizers.begin(), optimizers.end(), [](auto* o) { return o == nullptr; }))
    throw std::invalid_argument(
        "sonde: follow() got no optimizer or a null one; wanted: the optimizers that update the model");
  watch_.follow(std::move(optimizers));
}

Report Monitor::Impl::report() {
  safely([this] { watch_.tell_all(); });
  return session_.report();
}

}  // namespace sonde
