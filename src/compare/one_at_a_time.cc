// Comparing two models of which only one is in memory at a time.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <sonde/compare.h>

#include "compare/agreement.h"
#include "compare/alignment.h"
#include "compare/arguments.h"
#include "compare/error.h"
#include "compare/ground.h"
#include "compare/kept_model.h"
#include "compare/pair_check.h"
#include "compare/structure.h"

namespace sonde::compare {
namespace {

constexpr std::int64_t kSampled = 4096;
constexpr std::size_t kMostExact = 64;
constexpr double kSampleRounding = 1e-6;

// Elements evenly spread; a tensor of the same number of elements is sampled at the same places.
at::Tensor sample(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() <= kSampled) return tensor.defined() ? tensor.detach().clone() : tensor;
  const auto places = at::linspace(0, static_cast<double>(tensor.numel() - 1), kSampled, at::kDouble).to(at::kLong);
  return tensor.detach().reshape({-1}).index_select(0, places.to(tensor.device())).clone();
}

// What is left of a model when it is gone.
struct Sketch {
  std::string name;
  Recording recording;  // large tensors are sampled
  std::vector<Item> items;
  std::vector<at::Tensor> outputs;  // of each item, sampled
  std::vector<double> floors;       // of each item
};

Sketch sketch(const Loader& load, const Inputs& inputs, bool with_floor) {
  const Model model = load();
  Sketch result;
  result.name = model.subject().name();
  result.recording = record(model.subject(), inputs);
  Tape& tape = result.recording.tape;
  result.items = items_of(tape);
  const at::DisableRecordFunctionGuard unobserved;
  Lane lane(tape, at::ScalarType::Undefined), exact(tape, at::kDouble);
  std::size_t call = 0;
  for (const Item& item : result.items) {
    for (; call < item.end; ++call) {
      lane.run(call);
      if (with_floor) exact.run(call);
    }
    const int output = item.outputs.empty() ? kNone : item.outputs.front();
    result.outputs.push_back(sample(lane.at(output)));
    const double floor = with_floor ? relative_error(lane.at(output), exact.at(output)) : 0;
    result.floors.push_back(std::isfinite(floor) ? floor : kLeastFloor);
    lane.forget_before(item.first);
    exact.forget_before(item.first);
  }
  for (Value& value : tape.values)
    if (value.kind == Value::Kind::stored || value.kind == Value::Kind::constant) value.tensor = sample(value.tensor);
  return result;
}

bool parameters_differ(const Side& reference, const Item& a, const Side& target, const Item& b) {
  if (a.parameters.size() != b.parameters.size()) return true;
  for (const ItemParameter& mine : a.parameters) {
    const auto yours = std::ranges::find(b.parameters, mine.role, &ItemParameter::role);
    if (yours == b.parameters.end()) return true;
    const Value& x = reference.tape.values[static_cast<std::size_t>(mine.value)];
    const Value& y = target.tape.values[static_cast<std::size_t>(yours->value)];
    // Held the other way round, samples are of other elements; the operation's output tells.
    if (mine.transposed != yours->transposed) continue;
    if (x.sizes != y.sizes || !(relative_error(y.tensor, x.tensor) <= kSampleRounding)) return true;
  }
  return false;
}

class Comparison {
 public:
  Comparison(const Loader& reference, const Loader& target, const Inputs& inputs, const Options& options)
      : load_reference_(reference), load_target_(target), inputs_(inputs), options_(options) {}

  Result run() {
    const at::NoGradGuard no_grad;
    reference_ = sketch(load_reference_, inputs_, true);
    target_ = sketch(load_target_, inputs_, false);
    result_.reference = reference_.name, result_.target = target_.name;
    result_.before = agreement(target_.recording.outputs, reference_.recording.outputs);
    result_.before.floor = reference_.floors.empty() ? kLeastFloor : reference_.floors.back();
    result_.after = result_.before;
    const Side reference{reference_.recording.tape, reference_.items}, target{target_.recording.tape, target_.items};
    alignment_ = align(reference, target);
    choose(reference, target);
    if (!chosen_.empty()) look_closely();
    say_stages();
    return std::move(result_);
  }

 private:
  // Pairs whose arguments, parameters or operands differ, and the first whose output leaves the noise.
  void choose(const Side& reference, const Side& target) {
    std::size_t first_leaving = target.items.size();
    for (std::size_t t = 0; t < target.items.size(); ++t) {
      const int r = alignment_.reference_of[t];
      if (r == kNone) continue;
      ++pairs_;
      const Item &a = reference.items[static_cast<std::size_t>(r)], &b = target.items[t];
      const bool leaves =
          !(relative_error(target_.outputs[t], reference_.outputs[static_cast<std::size_t>(r)]) <=
            options_.times_floor * std::max(reference_.floors[static_cast<std::size_t>(r)], kLeastFloor));
      if (leaves) first_leaving = std::min(first_leaving, t);
      const bool suspect = parameters_differ(reference, a, target, b) ||
                           !compare_arguments(reference.tape, a, target.tape, b).empty() || first_leaving == t ||
                           behind_is_unmatched(b);
      if (suspect && chosen_.size() < kMostExact) chosen_.push_back(static_cast<int>(t));
    }
    if (first_leaving < target.items.size()) first_leaving_ = static_cast<int>(first_leaving);
  }

  [[nodiscard]] bool behind_is_unmatched(const Item& item) const {
    for (const int input : item.inputs)
      for (std::size_t t = 0; t < target_.items.size(); ++t)
        if (std::ranges::find(target_.items[t].outputs, input) != target_.items[t].outputs.end() &&
            alignment_.reference_of[t] == kNone)
          return true;
    return false;
  }

  // Values of the reference that judging the chosen pairs needs.
  [[nodiscard]] std::set<int> needed() const {
    std::set<int> values;
    for (const int t : chosen_) {
      const Item& a = reference_.items[static_cast<std::size_t>(alignment_.reference_of[static_cast<std::size_t>(t)])];
      values.insert(a.inputs.begin(), a.inputs.end());
      values.insert(a.outputs.begin(), a.outputs.end());
      for (const ItemParameter& parameter : a.parameters) values.insert(parameter.value);
      // What the operations before it start from, in case some of them have no counterpart.
      for (int before = t - 1, matched = 0; before >= 0 && matched < 3; --before) {
        const int r = alignment_.reference_of[static_cast<std::size_t>(before)];
        if (r == kNone) continue;
        ++matched;
        const Item& item = reference_.items[static_cast<std::size_t>(r)];
        values.insert(item.outputs.begin(), item.outputs.end());
      }
    }
    return values;
  }

  void look_closely() {
    const std::set<int> values = needed();
    std::vector<std::pair<int, at::Tensor>> kept;
    {
      const Model model = load_reference_();
      Recording again = record(model.subject(), inputs_);
      const at::DisableRecordFunctionGuard unobserved;
      Lane lane(again.tape, at::ScalarType::Undefined);
      for (std::size_t call = 0; call < again.tape.calls.size(); ++call) {
        lane.run(call);
        for (const int result : again.tape.calls[call].results)
          if (values.contains(result)) kept.emplace_back(result, lane.at(result).clone());
        lane.forget_before(call);
      }
      for (const int value : values) {
        Value& known = reference_.recording.tape.values[static_cast<std::size_t>(value)];
        const Value& fresh = again.tape.values[static_cast<std::size_t>(value)];
        if (known.kind != Value::Kind::computed && fresh.tensor.defined()) known.tensor = fresh.tensor.detach().clone();
      }
    }
    const Model model = load_target_();
    Ground ground(std::move(reference_.recording), record(model.subject(), inputs_), options_, alignment_);
    for (auto& [value, tensor] : kept) ground.reference_lane.put(value, std::move(tensor));
    judge(ground);
  }

  void judge(Ground& ground) {
    for (std::size_t t = 0; t < ground.target_items.size(); ++t) {
      const int r = alignment_.reference_of[t];
      if (r == kNone) continue;
      const Item &a = ground.reference_items[static_cast<std::size_t>(r)], &b = ground.target_items[t];
      if (std::ranges::find(chosen_, static_cast<int>(t)) != chosen_.end()) pair(ground, r, static_cast<int>(t));
      ground.correspond(b, a);
    }
    join_moved(result_.faults);
    for (std::size_t i = 0; i < result_.faults.size() && result_.first_divergence < 0 && first_leaving_ != kNone; ++i)
      if (result_.faults[i].visible) result_.first_divergence = static_cast<std::int64_t>(i);
    std::ranges::stable_partition(result_.faults, [](const Fault& fault) { return fault.visible; });
  }

  void pair(Ground& ground, int r, int t) {
    const Item &a = ground.reference_items[static_cast<std::size_t>(r)],
               &b = ground.target_items[static_cast<std::size_t>(t)];
    const auto inputs = ground.inputs_of_pair(a, b);
    for (std::size_t k = 0; k < b.inputs.size(); ++k) {
      if (inputs[k] == kNone || !ground.reference_lane.at(inputs[k]).defined()) continue;
      InputCheck check = check_input(ground, t, b.inputs[k], r, inputs[k]);
      std::erase_if(result_.faults,
                    [&](const Fault& fault) { return check.absolved.contains(static_cast<int>(fault.target.index)); });
      if (check.fault) result_.faults.push_back(std::move(*check.fault));
    }
    PairCheck check = check_pair(ground, r, t, inputs);
    parameters_ += check.parameters, equal_parameters_ += check.equal_parameters;
    for (Fault& fault : check.faults) result_.faults.push_back(std::move(fault));
  }

  void say_stages() {
    const std::string close = std::to_string(chosen_.size()) + " operations looked at closely";
    result_.stages = {
        {Stage::determinism, false, "each model is run once a pass"},
        {Stage::input, false, "models are loaded one at a time"},
        {Stage::parameters, true, "differ: " + std::to_string(parameters_ - equal_parameters_) + "; " + close},
        {Stage::arguments, true, close},
        {Stage::structure, true, std::to_string(pairs_) + " operations correspond"},
        {Stage::dynamic, true, close},
    };
    if (chosen_.size() == kMostExact)
      result_.not_compared.push_back({"further operations that differ", "only the first 64 are looked at closely"});
  }

  const Loader& load_reference_;
  const Loader& load_target_;
  const Inputs& inputs_;
  const Options options_;
  Sketch reference_, target_;
  Alignment alignment_;
  std::vector<int> chosen_;  // items of the target
  int first_leaving_ = kNone;
  std::size_t pairs_ = 0, parameters_ = 0, equal_parameters_ = 0;
  Result result_;
};

}  // namespace

Result run_one_at_a_time(const Loader& reference, const Loader& target, const Inputs& inputs, const Options& options) {
  options.validate();
  const RandomStateKept kept;
  return Comparison(reference, target, inputs, options).run();
}

}  // namespace sonde::compare
