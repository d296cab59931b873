#include "probes/op_observer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "probes/torch_version.h"

namespace sonde::probes {
namespace {

// Operations a log may hold: beyond, the program is not training on this thread, or in steps too long to keep.
constexpr std::size_t kMostOperations = std::size_t{1} << 16;
// Outside the graph, operations are measured (custom functions, the preparation of a batch) until so many have come in
// a row that it must be an evaluation or a rollout.
constexpr std::uint32_t kMostWithoutGraph = 256;
// Switching nested operations off costs as much as seeing two of them.
constexpr std::uint32_t kFewNested = 2;
// What LibTorch itself spends to call us with inputs and outputs: measured, 0.12 microseconds on a Xeon of 2023.
constexpr std::uint64_t kEventNanoseconds = 120;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

}  // namespace

OpObserver::OpObserver()
    : id_([] {
        static std::atomic<std::uint64_t> next{1};
        return next.fetch_add(1, std::memory_order_relaxed);
      }()) {
  meter_.use(&device_);
  id_here = id_;
}

thread_local std::uint64_t OpObserver::id_here = 0;

thread_local OpObserver* OpObserver::here = nullptr;

OpObserver& OpObserver::of_this_thread() {
  static thread_local OpObserver observer;
  here = &observer;
  return observer;
}

std::shared_ptr<OpObserver::Subscription> OpObserver::subscribe(OpSubscriber& subscriber) {
  auto subscription = std::make_shared<Subscription>();
  subscription->subscriber = &subscriber;
  subscription->slot = next_slot_++ % 64;
  subscription->needed_from = log_.next_serial();
  subscriptions_.push_back(subscription);
  call_stacks_.clear();
  return subscription;
}

void OpObserver::update() {
  std::erase_if(subscriptions_, [](const auto& s) { return !s->alive.load(std::memory_order_relaxed); });
  wanted_ =
      std::any_of(subscriptions_.begin(), subscriptions_.end(), [](const auto& s) { return s->measure || s->calls; });
  const bool on = wanted_ && silences_ == 0;
  if (on == callback_.has_value()) return;
  // Removed, not disabled: a list of callbacks that is not empty is copied for every node of a backward pass. Not in a
  // destructor: when the thread ends, the list goes before this object.
  if (on) {
    callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&OpObserver::on_start, &OpObserver::on_end)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}));
  } else {
    at::removeCallback(*std::exchange(callback_, std::nullopt));
  }
}

void OpObserver::trim() {
  log_.begin_segment();
  auto from = log_.next_serial();
  for (const auto& s : subscriptions_)
    if (s->alive.load(std::memory_order_relaxed)) from = std::min(from, s->needed_from);
  log_.forget_before(from);
}

std::uint64_t OpObserver::take_spent() {
  return std::exchange(spent_ns_, 0) + kEventNanoseconds * std::exchange(events_, 0);
}
std::uint64_t OpObserver::take_overflow() { return std::exchange(overflow_, 0); }

bool OpObserver::is_state(const c10::StorageImpl* storage) const {
  return std::any_of(subscriptions_.begin(), subscriptions_.end(), [storage](const auto& s) {
    return s->alive.load(std::memory_order_relaxed) && s->subscriber->is_state(storage);
  });
}

// ---- callbacks ---------------------------------------------------------------------------------------------------

std::unique_ptr<at::ObserverContext> OpObserver::on_start(const at::RecordFunction& function) {
  auto& self = *here;
  ++self.events_;
  if (self.running_) {
    ++self.nested_;
    return nullptr;
  }
  const bool grad_mode = at::GradMode::is_enabled();
  try {
    auto& info = self.info_of(function);
    if (!info.is_operation && !info.backward_pass) return nullptr;
    self.running_ = &function;
    self.running_info_ = &info;
    self.recording_ = false;
    self.nested_ = 0;
    self.nested_off_ = info.backward_pass || info.most_nested > kFewNested;
    if (self.nested_off_) at::enableRecordFunction(false);  // the end callback still comes
    self.passed_over_ = self.belongs_to_update(info.traits, grad_mode);
    if (self.passed_over_) return nullptr;
    const auto begin = now_ns();
    if (!info.backward_pass) self.start(info, function, grad_mode);
    self.spent_ns_ += now_ns() - begin;
  } catch (...) {
    ++self.overflow_;
    self.recording_ = false;
  }
  return nullptr;
}

void OpObserver::on_end(const at::RecordFunction& function, at::ObserverContext*) {
  auto& self = *here;
  if (self.running_ != &function) return;
  if (!self.passed_over_) {
    const auto begin = now_ns();
    try {
      self.end(function);
    } catch (...) { ++self.overflow_; }
    self.spent_ns_ += now_ns() - begin;
  }
  auto& most_nested = self.running_info_->most_nested;
  most_nested = std::max(most_nested, self.nested_);
  if (std::exchange(self.nested_off_, false)) at::enableRecordFunction(true);
  self.running_ = nullptr;  // until here, for what a hook of the program's runs is nested too
  if (self.passed_over_) return;
  // A monitor that died on another thread could not switch this one's callback off.
  if (std::none_of(self.subscriptions_.begin(), self.subscriptions_.end(),
                   [](const auto& s) { return s->alive.load(std::memory_order_relaxed); }))
    self.update();
}

// The optimizer and zero_grad write in place, outside the graph. What else runs outside it between a backward pass and the
// next operation of a layer or of the graph, and is mere arithmetic, is an optimizer's too (Adam: a root and a division
// for each parameter).
bool OpObserver::belongs_to_update(const OpTraits& traits, bool grad_mode) const {
  if (!grad_mode) return traits.in_place || (updating_ && traits.op_class == trace::OpClass::pointwise);
  return updating_ && traits.clears;
}

OpInfo& OpObserver::info_of(const at::RecordFunction& function) {
  const char* name = function.name();
  // Names of operations live as long as the process; those of profiling ranges may not, so the text is compared.
  if (const auto it = by_pointer_.find(name); it != by_pointer_.end() && it->second->name == name) return *it->second;
  auto it = by_name_.find(std::string_view(name));
  if (it == by_name_.end()) {
    auto info = std::make_unique<OpInfo>();
    info->name = name;
    info->traits = op_traits(name);
    info->is_operation = function.operator_name().has_value();
    info->backward_pass = std::string_view(name).starts_with("autograd::engine::evaluate_function");
    it = by_name_.emplace(name, std::move(info)).first;
  }
  if (it->second->is_operation) by_pointer_[name] = it->second.get();
  return *it->second;
}

void OpObserver::start(const OpInfo& info, const at::RecordFunction& function, bool grad_mode) {
  bool measure = false;
  for (const auto& s : subscriptions_) {
    if (!s->alive.load(std::memory_order_relaxed)) continue;
    measure = measure || s->measure;
    if (s->calls) {
      const auto inputs = inputs_of(function);
      s->subscriber->before(info, {inputs.data(), inputs.size()});
    }
  }
  if (!measure) return;
  if (log_.current().operations.size() >= kMostOperations) {
    ++overflow_;
    log_.begin_segment();
    log_.forget_before(log_.next_serial());
  }

  operands_.clear();
  scalars_.clear();
  pending_ = Operation{};
  pending_.info = &info;
  pending_.grad_mode = grad_mode;
  pending_.first_node = at::sequence_number::peek();
  for (const auto& value : inputs_of(function)) add_input(value);

  const bool in_graph =
      grad_mode && std::any_of(operands_.begin(), operands_.end(), [](const Operand& o) { return o.requires_grad; });
  if (in_graph || info.traits.layer) updating_ = false;
  if (in_graph) {
    without_graph_ = 0;
    measure_entering_operands();
  } else if (++without_graph_ > kMostWithoutGraph) {
    return;
  }
  recording_ = true;
}

void OpObserver::end(const at::RecordFunction& function) {
  const auto outputs = outputs_of(function);
  if (running_info_->backward_pass) return;
  for (const auto& s : subscriptions_)
    if (s->alive.load(std::memory_order_relaxed) && s->calls)
      s->subscriber->after(*running_info_, {outputs.data(), outputs.size()});
  if (!recording_) return;
  recording_ = false;

  auto& segment = log_.current();
  auto op = pending_;
  op.serial = log_.next_serial();
  op.end_node = at::sequence_number::peek();
  op.first_operand = static_cast<std::uint32_t>(segment.operands.size());
  op.operands = static_cast<std::uint32_t>(operands_.size());
  op.first_scalar = static_cast<std::uint32_t>(segment.scalars.size());
  op.scalars = static_cast<std::uint32_t>(scalars_.size());
  op.first_output = static_cast<std::uint32_t>(segment.outputs.size());
  segment.operands.insert(segment.operands.end(), operands_.begin(), operands_.end());
  segment.scalars.insert(segment.scalars.end(), scalars_.begin(), scalars_.end());
  for (const auto& value : outputs) {
    if (value.isTensor()) {
      if (value.toTensor().defined()) add_output(op, value.toTensor());
    } else if (value.isList()) {
      for (const auto& element : value.toListRef())
        if (element.isTensor() && element.toTensor().defined()) add_output(op, element.toTensor());
    }
  }
  op.outputs = static_cast<std::uint32_t>(segment.outputs.size()) - op.first_output;
  const bool bad = std::any_of(segment.outputs.begin() + op.first_output, segment.outputs.end(),
                               [](const Output& o) { return o.finite == Finite::infinite || o.finite == Finite::nan; });
  if (capture_frames_) {
    const auto frames = call_stacks_.of(op, operands_, segment, bad);
    op.first_frame = static_cast<std::uint32_t>(segment.frames.size());
    op.frames = static_cast<std::uint32_t>(frames.size());
    segment.frames.insert(segment.frames.end(), frames.begin(), frames.end());
  }
  if (bad) {
    // While the inputs still live: were they finite?
    for (const auto& operand : operands_) {
      const auto place = log_.find(operand.producer);
      if (!place || operand.output >= place.operation->outputs) continue;
      auto& input = place.segment->outputs_of(*place.operation)[operand.output];
      const auto made = segment.outputs_of(op);
      const bool overwritten =
          std::any_of(made.begin(), made.end(), [&](const Output& o) { return o.storage == operand.storage; });
      if (ensure_measured(input) && !overwritten) look_again(input);
    }
  }
  segment.operations.push_back(op);
  log_.sweep();
}

}  // namespace sonde::probes
