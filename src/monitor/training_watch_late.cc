// Passes whose numbers a device computes: they are told when these have come.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "monitor/training_watch.h"

namespace sonde::monitor {
namespace {

// Programs run ahead of their device by some passes; by more, the oldest is given up.
constexpr std::size_t kMostLate = 64;

double value_of(const trace::TensorStats& loss) {
  return loss.nan > 0                 ? std::numeric_limits<double>::quiet_NaN()
         : loss.positive_infinity > 0 ? std::numeric_limits<double>::infinity()
         : loss.negative_infinity > 0 ? -std::numeric_limits<double>::infinity()
                                      : loss.mean;
}

// Parameters are not measured when operations use them, and cannot be any more when a pass is told late. What they were
// like at its end, before the update, they were like in it.
void lend_weights(const probes::ModuleMap& modules, probes::Attribution& attribution,
                  const std::vector<trace::Record>& states, probes::OpLog& log, std::uint64_t first,
                  std::uint64_t end) {
  std::unordered_map<std::uint32_t, const trace::TensorStats*> by_site;
  for (const auto& record : states)
    if (record.phase == Phase::weight) by_site[record.site] = &record.tensor;
  std::unordered_map<const at::TensorImpl*, const trace::TensorStats*> weights;
  for (std::size_t i = 0; i < modules.parameter_count(); ++i) {
    const auto found = by_site.find(attribution.parameter_site(static_cast<int>(i)));
    if (found != by_site.end()) weights[modules.parameters()[i].identity] = found->second;
  }
  for (auto serial = std::max(first, log.first_serial()); serial < end; ++serial) {
    const auto place = log.find(serial);
    if (!place || !place.operation->external) continue;
    auto& output = place.segment->outputs_of(*place.operation)[0];
    const auto weight = weights.find(output.identity);
    if (output.measured || weight == weights.end()) continue;
    output.stats = *weight->second;
    output.finite = probes::finiteness(output.stats);
    output.measured = true;
  }
}

}  // namespace

void TrainingWatch::look_at_loss(const at::Tensor& loss, StepState& state) {
  const auto& impl = *loss.unsafeGetTensorImpl();
  auto& device = observer_->device();
  seen_.loss = {};
  const auto value = device.takes(impl) ? std::nullopt : probes::read_scalar(impl);
  if (value) {
    state.loss = *value;
  } else {
    probes::TensorMeter meter;
    meter.use(&device);
    if (meter.measure(impl, {}, seen_.loss) != nullptr || probes::is_promise(seen_.loss)) return;
    state.loss = value_of(seen_.loss);
  }
  state.loss_finite = std::isfinite(state.loss);
}

void TrainingWatch::keep_promises(StepState& state, std::uint64_t first, std::uint64_t end) {
  auto& device = observer_->device();
  auto& log = observer_->log();
  for (auto serial = std::max(first, log.first_serial()); serial < end; ++serial) {
    const auto place = log.find(serial);
    if (!place) continue;
    for (auto& output : place.segment->outputs_of(*place.operation)) {
      if (!output.measured || !probes::is_promise(output.stats)) continue;
      std::span<std::uint8_t> alive;
      if (output.counts_life) {
        const auto units =
            static_cast<std::size_t>(output.shape.sizes[static_cast<std::size_t>(output.unit_dimension)]);
        alive = {place.segment->alive.data() + output.alive, units};
      }
      output.measured = device.keep(output.stats, alive);
      output.finite = output.measured ? probes::finiteness(output.stats) : probes::Finite::unknown;
    }
  }
  if (probes::is_promise(seen_.loss) && device.keep(seen_.loss)) {
    state.loss = value_of(seen_.loss);
    state.loss_finite = std::isfinite(state.loss);
  }
  probes::keep_sample(device, seen_.batch);
  backward_.pass().settle(device);
  parameters_.tell_updates(seen_.promised_updates, seen_.updates);
  seen_.promised_updates.clear();
  parameters_.tell_state(seen_.verdict, seen_.states);
  if (!state.loss_finite || !seen_.verdict.finite)
    lend_weights(modules_, attribution_, seen_.states, observer_->log(), first, end);
}

void TrainingWatch::await_device(StepState& state) {
  auto& device = observer_->device();
  device.wait(device.send());
  keep_promises(state, needed_from_, observer_->log().next_serial());
}

void TrainingWatch::put_off(const StepState& state, bool applied, std::uint64_t step_ns, std::uint64_t monitor_ns) {
  LatePass late;
  late.seen = std::exchange(seen_, {});
  late.state = state;
  late.step = step_;
  late.time_ns = time_ns_;
  late.backwards = backwards_;
  late.last_position = last_position_;
  late.loss_view = loss_view_;
  if (state.observed) {
    late.placed = attribution_.placed();
    late.backward = std::exchange(backward_.pass(), {});
  }
  late.applied = applied;
  late.step_ns = step_ns;
  late.monitor_ns = monitor_ns;
  late.mark = observer_->device().send();
  late.needs_from = needed_from_;
  late.end = observer_->log().next_serial();
  late_passes_.push_back(std::move(late));
  if (late_passes_.size() <= kMostLate) return;
  late_passes_.pop_front();
  session_.catalog().not_observed("a step", "its device was too far behind");
}

void TrainingWatch::exchange(LatePass& late) {
  std::swap(seen_, late.seen);
  std::swap(step_, late.step);
  std::swap(time_ns_, late.time_ns);
  std::swap(backwards_, late.backwards);
  std::swap(last_position_, late.last_position);
  std::swap(loss_view_, late.loss_view);
  std::swap(backward_.pass(), late.backward);
  attribution_.exchange_placed(late.placed);
}

void TrainingWatch::tell_late(bool wait) {
  while (!late_passes_.empty()) {
    auto& device = observer_->device();
    if (wait) device.wait(late_passes_.front().mark);
    if (!device.arrived(late_passes_.front().mark)) return;
    LatePass late = std::move(late_passes_.front());
    late_passes_.pop_front();
    exchange(late);
    try {
      tell(late);
    } catch (...) {
      exchange(late);
      throw;
    }
    exchange(late);
  }
}

void TrainingWatch::tell(LatePass& late) {
  auto& state = late.state;
  keep_promises(state, late.needs_from, late.end);
  tell_forward(state);
  tell_gradients(state);
  tell_end(state, late.applied, late.step_ns, late.monitor_ns);
  if (state.poisoned()) late_poisoned_ = {step_, state};
}

void TrainingWatch::forget_late() {
  if (late_passes_.empty()) return;
  session_.catalog().not_observed("steps", "the thread changed before their device had answered", late_passes_.size());
  late_passes_.clear();
}

void TrainingWatch::tell_all() {
  if (!late_passes_.empty() && probes::OpObserver::of_this_thread().id() == observer_id_) tell_late(true);
}

}  // namespace sonde::monitor
