#include "compare/walk.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/agreement.h"
#include "compare/error.h"
#include "compare/input_diagnosis.h"
#include "compare/structure.h"

namespace sonde::compare {
namespace {

// A fault with the item of the target whose check said it, and where that is in the order of execution.
struct Said {
  int item;
  Fault fault;
  bool of_input;  // of what the item takes, not of the item itself
};

class Walker {
 public:
  explicit Walker(Ground& ground) : ground_(ground) {}

  WalkResult walk() {
    const at::NoGradGuard no_grad;
    for (std::size_t t = 0; t < ground_.target_items.size() && !result_.stopped_at_input; ++t) {
      const int r = ground_.alignment.reference_of[t];
      if (r == kNone) {
        if (!ground_.target_items[t].optional) ++result_.unmatched;
        continue;
      }
      ++result_.pairs;
      pair(r, static_cast<int>(t));
    }
    ground_.finish();
    if (!result_.stopped_at_input) outputs();
    settle();
    return std::move(result_);
  }

 private:
  const Item& reference_item(int r) const { return ground_.reference_items[static_cast<std::size_t>(r)]; }
  const Item& target_item(int t) const { return ground_.target_items[static_cast<std::size_t>(t)]; }

  void pair(int r, int t) {
    ground_.advance(r, t);
    const Item &a = reference_item(r), &b = target_item(t);
    if (!first_layer_seen_ && b.owned) {
      first_layer_seen_ = true;
      if (check_first_input(r, t)) return;
    }
    const auto inputs = ground_.inputs_of_pair(a, b);
    bool right = false;  // together with what precedes it
    for (std::size_t k = 0; k < b.inputs.size() && !right; ++k) {
      if (inputs[k] == kNone) continue;
      InputCheck check = check_input(ground_, t, b.inputs[k], r, inputs[k]);
      absolve(check.absolved);
      if (!check.fault) continue;
      if (check.fault->visible && right_with_what_precedes(r, t, b.inputs[k])) {
        right = true;
      } else {
        said_.push_back({t, std::move(*check.fault), true});
      }
    }
    if (right) {
      absolve({t});
    } else {
      PairCheck check = check_pair(ground_, r, t, inputs);
      result_.parameters += check.parameters;
      result_.equal_parameters += check.equal_parameters;
      for (Fault& fault : check.faults) said_.push_back({t, std::move(fault), false});
      if (!check.mend.substitution.values.empty() || !check.mend.substitution.arguments.empty())
        mends_.emplace_back(t, std::move(check.mend));
    }
    ground_.correspond(b, a);
    look_for_divergence(a, b, t);
  }

  // What lies between and the item together, though neither is right alone.
  bool right_with_what_precedes(int r, int t, int value) const {
    const int maker = ground_.maker_in_target(value);
    if (maker == kNone || ground_.alignment.reference_of[static_cast<std::size_t>(maker)] != kNone) return false;
    return equal_with_what_precedes(ground_, r, t);
  }

  // What the first layer gets, in both models as they run. True if it is another input, which ends the comparison.
  bool check_first_input(int r, int t) {
    const Item &a = reference_item(r), &b = target_item(t);
    if (a.inputs.empty() || b.inputs.empty()) return false;
    const auto wanted = ground_.reference_lane.at(a.inputs[0]), got = ground_.target_lane.at(b.inputs[0]);
    if (!wanted.defined() || !got.defined() ||
        relative_error(got, wanted) <= ground_.propagated_limit(floor_at(a.inputs[0])))
      return false;
    const auto difference = diagnose_input(wanted, got);
    if (!difference || difference->cause == Cause::input_differs) return false;
    Fault fault;
    fault.stage = Stage::input;
    fault.cause = difference->cause;
    fault.message = difference->message;
    fault.evidence = difference->evidence;
    fault.repair.what = difference->repair;
    fault.target = ground_.place(ground_.target, t);
    fault.reference = ground_.place(ground_.reference, r);
    fault.error = relative_error(got, wanted);
    fault.floor = floor_at(a.inputs[0]);
    said_.push_back({t, std::move(fault), true});
    result_.stopped_at_input = true;
    first_divergent_item_ = t;
    return true;
  }

  double floor_at(int value) const {
    const double floor = relative_error(ground_.floor_lane.at(value), ground_.reference_lane.at(value));
    return std::isfinite(floor) ? floor : kLeastFloor;
  }

  void look_for_divergence(const Item& a, const Item& b, int t) {
    if (first_divergent_item_ != kNone || a.outputs.empty() || b.outputs.empty()) return;
    const auto wanted = ground_.reference_lane.at(a.outputs[0]), got = ground_.target_lane.at(b.outputs[0]);
    if (!wanted.defined() || !got.defined()) return;
    const double error = relative_error_in_any_shape(got, wanted);
    if (!(error <= ground_.propagated_limit(floor_at(a.outputs[0])))) first_divergent_item_ = t;
  }

  void absolve(const std::set<int>& items) {
    std::erase_if(said_, [&](const Said& said) { return items.contains(said.item); });
    std::erase_if(mends_, [&](const auto& mend) { return items.contains(mend.first); });
    if (items.contains(first_divergent_item_)) first_divergent_item_ = kNone;
  }

  void outputs() {
    const auto& wanted = ground_.reference.tape.outputs;
    const auto& got = ground_.target.tape.outputs;
    if (wanted.size() != got.size())
      result_.not_compared.push_back(
          {"the outputs one by one",
           "the target gives " + std::to_string(got.size()) + ", the reference " + std::to_string(wanted.size())});
    for (std::size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
      const int mine = origin_of(ground_.target.tape, got[i]), theirs = origin_of(ground_.reference.tape, wanted[i]);
      InputCheck check = check_input(ground_, kNone, mine, kNone, theirs);
      absolve(check.absolved);
      if (check.fault) said_.push_back({static_cast<int>(ground_.target_items.size()), std::move(*check.fault), true});
    }
  }

  void settle() {
    std::vector<at::Tensor> target_outputs, reference_outputs, floor_outputs;
    for (const int value : ground_.reference.tape.outputs) {
      reference_outputs.push_back(ground_.reference_lane.at(value));
      floor_outputs.push_back(ground_.floor_lane.at(value));
    }
    result_.before = agreement(ground_.target_recording.outputs, ground_.reference_recording.outputs);
    if (agreement(reference_outputs, ground_.reference_recording.outputs).error != 0)
      result_.not_compared.push_back(
          {"the reference's operations one by one", "run again one by one they give another output"});
    result_.before.floor = floor_outputs.empty() ? 0 : agreement(floor_outputs, reference_outputs).error;
    find_unexplained();
    std::stable_sort(said_.begin(), said_.end(), [](const Said& x, const Said& y) {
      return std::pair(x.item, !x.of_input) < std::pair(y.item, !y.of_input);
    });
    std::int64_t divergence = -1;
    for (const Said& said : said_) {
      if (said.fault.visible && first_divergent_item_ != kNone && said.item <= std::max(first_divergent_item_, 0))
        divergence = static_cast<std::int64_t>(result_.faults.size());
      result_.faults.push_back(said.fault);
    }
    if (divergence < 0 && first_divergent_item_ != kNone)
      for (std::size_t i = 0; i < result_.faults.size() && divergence < 0; ++i)
        if (result_.faults[i].visible) divergence = static_cast<std::int64_t>(i);
    const Place diverging = divergence < 0 ? Place{} : result_.faults[static_cast<std::size_t>(divergence)].target;
    join_moved(result_.faults);
    for (std::size_t i = 0; i < result_.faults.size() && divergence >= 0; ++i)
      if (result_.faults[i].visible && result_.faults[i].target.index >= diverging.index) {
        result_.first_divergence = static_cast<std::int64_t>(i);
        break;
      }
    for (auto& [item, mend] : mends_) result_.mends.push_back(std::move(mend));
    after();
  }

  // Outputs that differ though no operation is at fault: what is computed outside of operations, or baked in.
  void find_unexplained() {
    const bool differs = !(result_.before.error <= ground_.propagated_limit(result_.before.floor));
    const bool told = std::ranges::any_of(said_, [](const Said& said) { return said.fault.visible; });
    if (!differs || told || first_divergent_item_ == kNone) return;
    Fault fault;
    fault.cause = Cause::numeric;
    fault.target = ground_.place(ground_.target, first_divergent_item_);
    fault.reference = ground_.place(ground_.reference,
                                    ground_.alignment.reference_of[static_cast<std::size_t>(first_divergent_item_)]);
    fault.message =
        "the models part here, though each operation gives the same on the same activations: rounding that grows, "
        "or numbers that were made outside of operations";
    fault.error = result_.before.error;
    fault.floor = result_.before.floor;
    said_.push_back({first_divergent_item_, std::move(fault), false});
  }

  void after() {
    result_.after = result_.before;
    if (result_.mends.empty()) return;
    Lane mended(ground_.target.tape, at::ScalarType::Undefined);
    for (const Mend& mend : result_.mends) {
      for (const auto& [value, tensor] : mend.substitution.values) mended.replace(value, tensor);
      for (const auto& [call, edits] : mend.substitution.arguments) mended.edit(call, edits);
    }
    for (std::size_t c = 0; c < ground_.target.tape.calls.size(); ++c) {
      if (!mended.run(c)) {
        result_.not_compared.push_back({"the repaired model", mended.trouble()});
        return;
      }
      mended.forget_before(c);
    }
    std::vector<at::Tensor> outputs;
    for (const int value : ground_.target.tape.outputs) outputs.push_back(mended.at(value));
    result_.after = agreement(outputs, ground_.reference_recording.outputs);
    result_.after.floor = result_.before.floor;
  }

  Ground& ground_;
  WalkResult result_;
  std::vector<Said> said_;
  std::vector<std::pair<int, Mend>> mends_;
  int first_divergent_item_ = kNone;
  bool first_layer_seen_ = false;
};

}  // namespace

WalkResult walk(Ground& ground) { return Walker(ground).walk(); }

}  // namespace sonde::compare
