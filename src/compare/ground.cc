#include "compare/ground.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "compare/error.h"
#include "probes/call_site.h"

namespace sonde::compare {
namespace {

// Items whose activations are kept behind the one that is looked at, for rewritings that take several of them together.
constexpr int kKeptItems = 8;

at::ScalarType precision_of(const Tape& tape) {
  for (const Value& value : tape.values)
    if (value.kind == Value::Kind::computed && is_reduced(value.dtype)) return value.dtype;
  return at::kFloat;
}

std::unordered_map<int, int> makers(const std::vector<Item>& items) {
  std::unordered_map<int, int> makers;
  for (std::size_t i = 0; i < items.size(); ++i)
    for (const int output : items[i].outputs) makers[output] = static_cast<int>(i);
  return makers;
}

std::vector<std::size_t> last_uses(const Tape& tape) {
  std::vector<std::size_t> last(tape.values.size(), 0);
  for (std::size_t c = 0; c < tape.calls.size(); ++c)
    for (const Operand& operand : tape.calls[c].operands) last[static_cast<std::size_t>(operand.value)] = c;
  return last;
}

}  // namespace

Ground::Ground(Recording a, Recording b, const Options& how) : Ground(std::move(a), std::move(b), how, std::nullopt) {}

Ground::Ground(Recording a, Recording b, const Options& how, std::optional<Alignment> aligned)
    : options(how),
      reference_recording(std::move(a)),
      target_recording(std::move(b)),
      reference_items(items_of(reference_recording.tape)),
      target_items(items_of(target_recording.tape)),
      reference{reference_recording.tape, reference_items},
      target{target_recording.tape, target_items},
      alignment(aligned ? std::move(*aligned) : align(reference, target)),
      reduced(is_reduced(precision_of(target.tape)) && !is_reduced(precision_of(reference.tape))),
      reference_lane(reference.tape, at::ScalarType::Undefined),
      floor_lane(reference.tape, reduced ? precision_of(target.tape) : at::kDouble),
      target_lane(target.tape, at::ScalarType::Undefined),
      makers_in_reference_(makers(reference_items)),
      makers_in_target_(makers(target_items)) {
  std::vector<int> inputs;
  for (std::size_t v = 0; v < reference.tape.values.size(); ++v)
    if (reference.tape.values[v].kind == Value::Kind::input) inputs.push_back(static_cast<int>(v));
  for (std::size_t v = 0; v < target.tape.values.size(); ++v) {
    const int number = target.tape.values[v].input;
    if (number == kNone) continue;
    for (const int input : inputs)
      if (reference.tape.values[static_cast<std::size_t>(input)].input == number)
        correspond(static_cast<int>(v), input);
  }
  keep_what_is_read_late();
}

// Views are made when they are first used, so what they are made of is read later than the tape alone says; and the
// target may come to its counterpart of a value later than the reference does.
void Ground::keep_what_is_read_late() {
  const auto last = last_uses(target.tape);
  // Where the reference's lane stands when an item of the target is looked at.
  std::vector<std::size_t> position(target_items.size() + 1, 0);
  for (std::size_t t = 0; t < target_items.size(); ++t) {
    const int r = alignment.reference_of[t];
    position[t + 1] = std::max(position[t], r == kNone ? 0 : reference_items[static_cast<std::size_t>(r)].end);
  }
  for (std::size_t t = 0; t < target_items.size(); ++t) {
    const int r = alignment.reference_of[t];
    if (r == kNone) continue;
    const Item& item = reference_items[static_cast<std::size_t>(r)];
    for (const int input : item.inputs) reference_lane.keep_until(input, position[t + 1]);
    std::size_t use = 0;
    for (const int output : target_items[t].outputs) use = std::max(use, last[static_cast<std::size_t>(output)]);
    std::size_t reader = t;
    while (reader + 1 < target_items.size() && target_items[reader].end <= use) ++reader;
    for (const int output : item.outputs) reference_lane.keep_until(output, position[reader + 1]);
  }
}

double Ground::limit(double floor) const { return options.times_floor * std::max(floor, kLeastFloor); }
double Ground::propagated_limit(double floor) const {
  return (reduced ? options.times_floor_reduced : options.times_floor) * std::max(floor, kLeastFloor);
}

void Ground::advance(int r, int t) {
  const std::size_t reference_end = reference_items[static_cast<std::size_t>(r)].end;
  const std::size_t target_end = target_items[static_cast<std::size_t>(t)].end;
  for (; reference_done_ < reference_end; ++reference_done_) {
    reference_lane.run(reference_done_);
    floor_lane.run(reference_done_);
  }
  for (; target_done_ < target_end; ++target_done_) target_lane.run(target_done_);
  const auto behind = [](const std::vector<Item>& items, std::size_t done, int kept) {
    const auto item = std::ranges::upper_bound(items, done, {}, &Item::end) - items.begin() - kept;
    return item > 0 ? items[static_cast<std::size_t>(item)].first : 0;
  };
  reference_lane.forget_before(behind(reference_items, reference_done_, kKeptItems));
  floor_lane.forget_before(behind(reference_items, reference_done_, 2));
  target_lane.forget_before(behind(target_items, target_done_, 2));
}

void Ground::finish() {
  for (; reference_done_ < reference.tape.calls.size(); ++reference_done_) {
    reference_lane.run(reference_done_);
    floor_lane.run(reference_done_);
  }
  for (; target_done_ < target.tape.calls.size(); ++target_done_) target_lane.run(target_done_);
}

int Ground::counterpart(int value) const {
  const auto found = counterparts_.find(value);
  return found == counterparts_.end() ? kNone : found->second;
}

void Ground::correspond(const Item& b, const Item& a) {
  if (a.optional && !b.optional && !a.inputs.empty() && !b.outputs.empty()) correspond(b.outputs[0], a.inputs[0]);
  if (a.optional || b.optional) return;
  for (std::size_t i = 0; i < std::min(a.outputs.size(), b.outputs.size()); ++i) correspond(b.outputs[i], a.outputs[i]);
}

std::vector<int> Ground::inputs_of_pair(const Item& a, const Item& b) const {
  if (a.inputs.size() != b.inputs.size()) {
    std::vector<int> mapped;
    for (const int input : b.inputs) mapped.push_back(counterpart(input));
    return mapped;
  }
  std::vector<int> inputs = a.inputs;
  if (inputs.size() == 2 && (a.kind == "add" || a.kind == "mul") &&
      (counterpart(b.inputs[0]) == a.inputs[1] || counterpart(b.inputs[1]) == a.inputs[0]) &&
      counterpart(b.inputs[0]) != a.inputs[0])
    std::swap(inputs[0], inputs[1]);
  return inputs;
}

at::Tensor Ground::as_target(int reference_value, int target_value) const {
  const at::Tensor tensor = reference_lane.at(reference_value);
  if (!tensor.defined()) return {};
  const auto& sizes = target.tape.values[static_cast<std::size_t>(target_value)].sizes;
  if (tensor.sizes() == c10::IntArrayRef(sizes)) return tensor;
  std::int64_t elements = 1;
  for (const std::int64_t size : sizes) elements *= size;
  return elements == tensor.numel() ? tensor.reshape(sizes) : at::Tensor();
}

at::Tensor Ground::known(int value, const Substitution& substitution, const std::set<int>& through) const {
  if (const int r = counterpart(value); r != kNone && (through.empty() || !assumed_.contains(value))) {
    const int maker = maker_in_target(value);
    if (maker == kNone || !through.contains(maker)) return as_target(r, value);
  }
  const Value& description = target.tape.values[static_cast<std::size_t>(value)];
  if (description.kind == Value::Kind::stored || description.kind == Value::Kind::constant)
    return target_lane.at(value);
  // What is computed from weights alone, unless weights are substituted, or it was computed in less precision.
  const bool constant = description.kind == Value::Kind::computed &&
                        target.tape.calls[static_cast<std::size_t>(description.call)].constant;
  return constant && !reduced && substitution.values.empty() ? target_lane.at(value) : at::Tensor();
}

std::vector<at::Tensor> Ground::resolve(const std::vector<int>& values, const Substitution& substitution,
                                        const std::set<int>& through) const {
  const auto precision = reduced ? at::kFloat : at::ScalarType::Undefined;
  Replayer replayer(target.tape, precision,
                    [&](int value) { return in_precision(known(value, substitution, through), precision); });
  return replayer.resolve(values, substitution);
}

std::vector<at::Tensor> Ground::exact(const Item& item) const {
  Replayer replayer(reference.tape, at::kDouble, [&](int value) -> at::Tensor {
    const Value& description = reference.tape.values[static_cast<std::size_t>(value)];
    const bool computed = description.kind == Value::Kind::computed;
    const bool input = std::ranges::find(item.inputs, value) != item.inputs.end();
    const bool constant = computed && reference.tape.calls[static_cast<std::size_t>(description.call)].constant;
    return !computed || input || constant ? in_precision(reference_lane.at(value), at::kDouble) : at::Tensor();
  });
  return replayer.resolve(item.outputs, {});
}

double Ground::floor_of(const Item& item) const {
  try {
    const auto results = exact(item);
    double floor = kLeastFloor;
    for (std::size_t i = 0; i < results.size(); ++i)
      floor = std::max(floor, relative_error(reference_lane.at(item.outputs[i]), results[i]));
    return floor;
  } catch (const std::exception&) {  // no kernel in double precision
    return kLeastFloor;
  }
}

Place Ground::place(const Side& side, int index) const {
  const Item& item = side.items[static_cast<std::size_t>(index)];
  Place place;
  place.layer = item.layer;
  place.operation = item.kind;
  place.index = index;
  place.source = probes::resolve(side.tape.calls[item.principal].frames);
  return place;
}

Fault Ground::fault(int reference_item, int target_item, Stage stage, Cause cause, std::string message) const {
  Fault fault;
  fault.stage = stage;
  fault.cause = cause;
  fault.target = place(target, target_item);
  fault.reference = place(reference, reference_item);
  fault.message = std::move(message);
  return fault;
}

int Ground::maker_in_reference(int value) const {
  const auto found = makers_in_reference_.find(value);
  return found == makers_in_reference_.end() ? kNone : found->second;
}

int Ground::maker_in_target(int value) const {
  const auto found = makers_in_target_.find(value);
  return found == makers_in_target_.end() ? kNone : found->second;
}

}  // namespace sonde::compare
