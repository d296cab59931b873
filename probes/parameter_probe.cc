#include "probes/parameter_probe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "probes/torch_version.h"

namespace sonde::probes {
namespace {

constexpr std::size_t kSample = 512;  // elements a parameter for update sizes

// Any change of a weight changes one of its sums, but for cancellations to the last bit.
double sum_of(const trace::TensorStats& stats) {
  return stats.mean + 3 * stats.mean_square + 5 * stats.min + 7 * stats.max;
}

trace::TensorStats stats_of(const std::vector<double>& values) {
  const std::int64_t size = static_cast<std::int64_t>(values.size()), stride = 1;
  return measure({values.data(), ScalarType::float64, {&size, 1}, {&stride, 1}});
}

// Turns `after` into after - before.
trace::TensorStats stats_of_difference(const std::vector<double>& before, std::vector<double>& after) {
  for (std::size_t i = 0; i < before.size(); ++i) after[i] -= before[i];
  auto stats = stats_of(after);
  const auto weights = stats_of(before);
  stats.aux = weights.count > 0 && finiteness(weights) == Finite::finite ? std::sqrt(weights.mean_square)
                                                                         : std::numeric_limits<double>::quiet_NaN();
  return stats;
}

double dot_of(const std::vector<double>& a, const std::vector<double>& b) {
  std::array<double, 8> sums{};  // additions that need not wait for each other
  std::size_t i = 0;
  for (; i + sums.size() <= a.size(); i += sums.size())
    for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += a[i + k] * b[i + k];
  double dot = 0;
  for (; i < a.size(); ++i) dot += a[i] * b[i];
  for (const double sum : sums) dot += sum;
  return dot;
}

// Of all `elements`, by a sample of them; NaN if there is none of the gradient.
double dot_of_all(const std::vector<double>& gradient, const std::vector<double>& update, std::int64_t elements) {
  if (gradient.size() != update.size()) return std::numeric_limits<double>::quiet_NaN();
  return dot_of(gradient, update) * static_cast<double>(elements) / static_cast<double>(update.size());
}

}  // namespace

void ParameterProbe::use(DeviceStatistics* device) {
  device_ = device;
  meter_.use(device);
  for (auto& state : states_) state.promised_weights = state.promised_gradient = {};  // of another device
}

void ParameterProbe::modules_changed() {
  states_.clear();
  states_.resize(modules_.parameter_count());
  for (std::size_t i = 0; i < states_.size(); ++i) states_[i].parameter = static_cast<int>(i);
  sentinel_.watch_no_weight();
  sentinel_.watch_gradients(modules_);
  sampled_ = false;
}

Between ParameterProbe::look() {
  Between between;
  bool any_known = false, any_moved = false, any_gradient = false, all_cleared = true;
  const ParameterState* witness = nullptr;
  std::int64_t least = 0;
  for (auto& state : states_) {
    const auto impl = modules_.parameters()[static_cast<std::size_t>(state.parameter)].lock();
    state.alive = static_cast<bool>(impl);
    if (!impl) continue;
    state.requires_grad = impl->requires_grad();
    const auto points = probe_hash(*impl);
    const bool moved = state.weight_points != 0 && points != 0 && points != state.weight_points;
    any_known = any_known || (state.weight_points != 0 && points != 0);
    any_moved = any_moved || moved;
    state.moved = moved || std::exchange(state.moved_before_note, false);
    state.weight_points = points;

    bool zero = true;
    const auto* gradient = gradient_of(*impl);
    const bool readable = !gradient || probe_hash(*gradient->unsafeGetTensorImpl(), &zero) != 0;
    const bool had = state.has_gradient && !state.gradient_points_zero;
    if (had && readable && optimizers_.holds(impl.get())) {
      any_gradient = true;
      all_cleared = all_cleared && zero;
      // The smallest: its elements lie together.
      if (moved && zero && (witness == nullptr || impl->numel() < least)) {
        witness = &state;
        least = impl->numel();
      }
    }
  }
  if (any_known) between.weights_changed = any_moved ? Answer::yes : Answer::no;
  if (any_gradient) between.gradients_cleared = all_cleared ? Answer::yes : Answer::no;
  if (witness != nullptr && all_cleared)
    sentinel_.watch_weight(modules_.parameters()[static_cast<std::size_t>(witness->parameter)]);
  else
    sentinel_.watch_no_weight();
  return between;
}

void ParameterProbe::append_updates(Attribution& attribution, std::vector<trace::Record>& records,
                                    std::vector<PromisedUpdate>& promised) {
  if (!sampled_) return;
  sampled_ = false;
  for (auto& state : states_) {
    const bool on_device = is_promise(state.promised_weights);
    if (state.weight_sample.empty() && !on_device) continue;
    const auto impl = modules_.parameters()[static_cast<std::size_t>(state.parameter)].lock();
    trace::Record record;
    record.kind = trace::RecordKind::tensor;
    record.phase = Phase::update;
    record.flags = impl && impl->numel() > static_cast<std::int64_t>(kSample) ? trace::kSampledElements : 0;
    record.site = attribution.parameter_site(state.parameter);
    if (on_device) {
      const auto before = std::exchange(state.promised_weights, {});
      if (!impl || !device_->takes(*impl)) continue;
      const auto after = device_->enqueue_elements(*impl, kSample);
      if (is_promise(after)) promised.push_back({state.parameter, before, after, state.promised_gradient, record});
      continue;
    }
    scratch_.clear();
    if (impl) sample_elements(*impl, kSample, scratch_);
    if (scratch_.size() != state.weight_sample.size()) continue;
    record.tensor = stats_of_difference(state.weight_sample, scratch_);
    records.push_back(record);
    state.gradient_dot_update = dot_of_all(state.gradient_sample, scratch_, impl->numel());
  }
}

void ParameterProbe::note_gradient(ParameterState& state, const at::TensorImpl& impl) {
  const auto* gradient = gradient_of(impl);
  state.has_gradient = gradient != nullptr;
  state.gradient_points_zero = true;
  if (gradient) probe_hash(*gradient->unsafeGetTensorImpl(), &state.gradient_points_zero);
}

void ParameterProbe::note() {
  for (auto& state : states_) {
    const auto impl = modules_.parameters()[static_cast<std::size_t>(state.parameter)].lock();
    if (!impl) {
      state.has_gradient = false;
      continue;
    }
    const auto points = probe_hash(*impl);
    state.moved_before_note =
        state.moved_before_note || (state.weight_points != 0 && points != 0 && points != state.weight_points);
    state.weight_points = points;
    note_gradient(state, *impl);
  }
  sentinel_.note_gradient();
}

void ParameterProbe::check_gradient(int parameter, bool all, std::uint32_t turn, GradientVerdict& verdict) {
  const auto impl = modules_.parameters()[static_cast<std::size_t>(parameter)].lock();
  if (!impl) return;
  const auto* tensor = gradient_of(*impl);
  if (!tensor || !verdict.finite) return;
  const auto& gradient = *tensor->unsafeGetTensorImpl();
  if (device_ != nullptr && device_->takes(gradient)) {
    if (!all && gradient.numel() > Sentinel::kSmallOnDevice) return;
    on_device_.push_back(*tensor);
    verdict.promised.push_back({parameter, {}, -1});
    return;
  }
  auto finite = all ? Answer::unknown : Sentinel::finite(gradient, turn);
  if (finite == Answer::unknown)
    finite = (all ? meter_.all_finite(gradient) : meter_.seems_finite(gradient, turn)) ? Answer::yes : Answer::no;
  if (finite == Answer::yes) return;
  verdict.finite = false;
  verdict.parameter = parameter;
}

[[gnu::hot]] bool ParameterProbe::check_gradients_briskly() {
  if (!sentinel_.gradients_finite(turn_)) return false;
  ++turn_;
  sentinel_.note_gradient_briskly();
  return true;
}

GradientVerdict ParameterProbe::check_gradients(bool all) {
  GradientVerdict verdict;
  sentinel_.note_gradient();
  const auto turn = turn_++;
  const auto look = [&](int parameter) { check_gradient(parameter, all, turn, verdict); };
  if (all)
    for (const auto& state : states_) look(state.parameter);
  else
    sentinel_.for_each_gradient(turn, look);
  if (on_device_.empty()) return verdict;
  std::vector<trace::TensorStats> stats;
  device_->enqueue_finiteness(on_device_, stats);
  on_device_.clear();
  verdict.promised.resize(stats.size());
  for (std::size_t i = 0; i < stats.size(); ++i) verdict.promised[i].stats = stats[i];
  return verdict;
}

GradientVerdict ParameterProbe::append_state(Attribution& attribution, std::vector<trace::Record>& records,
                                             trace::Catalog& catalog) {
  note();
  GradientVerdict verdict;
  for (auto& state : states_) {
    const auto& parameter = modules_.parameters()[static_cast<std::size_t>(state.parameter)];
    const auto impl = parameter.lock();
    if (!impl) continue;
    trace::Record record;
    record.kind = trace::RecordKind::tensor;
    record.site = attribution.parameter_site(state.parameter);
    state.gradient_zero = false;
    state.gradient_sample.clear();
    state.promised_gradient = state.promised_weights = {};
    if (state.has_gradient) {
      const auto& gradient = *gradient_of(*impl)->unsafeGetTensorImpl();
      record.phase = Phase::gradient;
      record.tensor = {};
      TensorMeter::Request request;
      request.unit_dimension = impl->dim() >= 2 ? 0 : -1;
      if (const char* why = meter_.measure(gradient, request, record.tensor)) {
        catalog.not_observed("gradient of " + parameter.path, why);
      } else if (is_promise(record.tensor)) {
        verdict.promised.push_back({state.parameter, record.tensor, static_cast<int>(records.size())});
        records.push_back(record);
        state.promised_gradient = device_->enqueue_elements(gradient, kSample);
      } else {
        state.gradient_zero = record.tensor.zeros == record.tensor.count;
        record.tensor.aux = state.gradient_dot_update;
        records.push_back(record);
        if (finiteness(record.tensor) != Finite::finite && verdict.finite) {
          verdict.finite = false;
          verdict.parameter = state.parameter;
        }
        sample_elements(gradient, kSample, state.gradient_sample);
      }
    }
    if (verdict.promised.empty()) state.gradient_dot_update = std::numeric_limits<double>::quiet_NaN();

    record.phase = Phase::weight;
    record.tensor = {};
    TensorMeter::Request request;
    request.unit_dimension = impl->dim() >= 2 ? 0 : -1;
    if (const char* why = meter_.measure(*impl, request, record.tensor)) {
      catalog.not_observed(parameter.path, why);
      continue;
    }
    records.push_back(record);
    state.weight_sample.clear();
    sampled_ = true;
    if (is_promise(record.tensor)) {
      // Whether it moved is not known here, and is not held against it.
      state.changed_between_observed = true;
      if (state.requires_grad) state.promised_weights = device_->enqueue_elements(*impl, kSample);
      continue;
    }
    const double sum = sum_of(record.tensor);
    state.changed_between_observed = state.measured && sum != state.weight_sum_before;
    state.measured = true;
    state.weight_sum_before = sum;
    if (state.requires_grad) sample_elements(*impl, kSample, state.weight_sample);
  }
  return verdict;
}

void ParameterProbe::tell_updates(const std::vector<PromisedUpdate>& promised, std::vector<trace::Record>& records) {
  std::vector<double> before, after, gradient;
  for (const auto& update : promised) {
    const auto parameter = static_cast<std::size_t>(update.parameter);
    if (parameter >= states_.size() || !device_->keep_elements(update.before, before) ||
        !device_->keep_elements(update.after, after) || before.size() != after.size())
      continue;
    gradient.clear();
    (void)device_->keep_elements(update.gradient, gradient);
    auto record = update.record;
    record.tensor = stats_of_difference(before, after);
    records.push_back(record);
    const auto impl = modules_.parameters()[parameter].lock();
    states_[parameter].gradient_dot_update = dot_of_all(gradient, after, impl ? impl->numel() : 0);
  }
}

void ParameterProbe::tell_state(GradientVerdict& verdict, std::vector<trace::Record>& records) {
  for (auto& record : records)
    if (record.kind == trace::RecordKind::tensor) (void)device_->keep(record.tensor);
  for (auto& gradient : verdict.promised) {
    if (!device_->keep(gradient.stats)) continue;
    if (verdict.finite && finiteness(gradient.stats) != Finite::finite) {
      verdict.finite = false;
      verdict.parameter = gradient.parameter;
    }
    const auto parameter = static_cast<std::size_t>(gradient.parameter);
    if (gradient.record < 0 || parameter >= states_.size()) continue;
    records[static_cast<std::size_t>(gradient.record)].tensor.aux =
        std::exchange(states_[parameter].gradient_dot_update, std::numeric_limits<double>::quiet_NaN());
  }
  std::erase_if(records, [](const trace::Record& record) {
    return record.kind == trace::RecordKind::tensor && is_promise(record.tensor);
  });
}

}  // namespace sonde::probes
