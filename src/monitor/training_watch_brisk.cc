// Brisk steps: in place of before_backward(), after_backward() and end_step() where a step is like those before it.
#include <cmath>

#include "monitor/training_watch.h"

namespace sonde::monitor {

using probes::Answer;

[[gnu::hot]] bool TrainingWatch::before_brisk(const at::Tensor& loss, StepState& state) {
  if (level_ != Level::sentinel || late_ || fresh_baselines_ ||
      probes::OpObserver::id_of_this_thread() != observer_id_.load(std::memory_order_relaxed))
    return false;
  const auto value = probes::Sentinel::value_of(*loss.unsafeGetTensorImpl());
  if (!value || !std::isfinite(*value)) return false;
  if (!parameters_.glance_briskly()) return false;
  state.between = {Answer::yes, Answer::yes};
  state.loss = *value;
  ++step_;
  backwards_ = 1;
  seen_.first_of_run = false;
  return true;
}

[[gnu::hot]] bool TrainingWatch::after_brisk(StepState& state, bool guarded, std::uint64_t monitor_ns) {
  if (guarded ? !parameters_.check_gradients(true).finite : !parameters_.check_gradients_briskly()) {
    tell_forward(state);
    return false;
  }
  last_skipped_ = false;
  push_loss(state);
  push_step(trace::RecordKind::step_end, state, true, 0, monitor_ns);
  session_.end_step(session_.producer_for_this_thread());
  return true;
}

}  // namespace sonde::monitor
