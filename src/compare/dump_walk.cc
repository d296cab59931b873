#include "compare/dump_walk.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/agreement.h"
#include "compare/alternatives.h"
#include "compare/arguments.h"
#include "compare/common_subsequence.h"
#include "compare/error.h"
#include "compare/items.h"
#include "compare/lane.h"
#include "compare/replayer.h"
#include "probes/call_site.h"

namespace sonde::compare {
namespace {

// "layer1/0/bn1:0" and "layer1.0.bn1" are one name.
std::string plain(const std::string& name) {
  std::string text;
  for (const char c : name.substr(0, name.find(':'))) text += c == '/' ? '.' : c;
  return text;
}

class DumpWalker {
 public:
  DumpWalker(const std::vector<DumpedTensor>& dumps, const Recording& target, const Options& options)
      : dumps_(dumps),
        target_(target),
        options_(options),
        items_(items_of(target.tape)),
        lane_(target.tape, at::ScalarType::Undefined),
        exact_(target.tape, at::kDouble) {
    for (std::size_t c = 0; c < target.tape.calls.size(); ++c) lane_.run(c), exact_.run(c);
  }

  WalkResult walk() {
    const at::NoGradGuard no_grad;
    const at::DisableRecordFunctionGuard unobserved;
    match();
    int previous = kNone;
    for (std::size_t d = 0; d < dumps_.size(); ++d) {
      if (item_of_[d] == kNone) {
        result_.not_compared.push_back(
            {"the dump " + dumps_[d].name, "no operation of the target gives a tensor like it"});
        continue;
      }
      ++result_.pairs;
      judge(d, previous);
      previous = item_of_[d];
    }
    outputs();
    return std::move(result_);
  }

 private:
  [[nodiscard]] int value_of(int item) const { return items_[static_cast<std::size_t>(item)].outputs.front(); }

  // In the target's shape; undefined if it has another number of elements.
  [[nodiscard]] at::Tensor shaped(std::size_t d, int item) const {
    const auto& sizes = target_.tape.values[static_cast<std::size_t>(value_of(item))].sizes;
    const at::Tensor& dump = dumps_[d].tensor;
    std::int64_t elements = 1;
    for (const std::int64_t size : sizes) elements *= size;
    if (dump.numel() != elements || !at::isFloatingType(dump.scalar_type())) return {};
    const bool same = dump.squeeze().sizes() == at::empty(sizes, at::kByte).squeeze().sizes();
    return same ? dump.reshape(sizes) : at::Tensor();
  }

  float score(std::size_t d, std::size_t i) {
    const Item& item = items_[i];
    if (item.outputs.empty() || item.optional) return 0;
    const at::Tensor dump = shaped(d, static_cast<int>(i));
    if (!dump.defined()) return 0;
    const double error = relative_error(lane_.at(item.outputs.front()), dump);
    const std::string name = plain(dumps_[d].name);
    const bool named = item.owned && (name == item.layer || name.ends_with("." + item.layer));
    return 0.1F + likeness(error, limit(static_cast<int>(i))) + (named ? 1.5F : 0.0F);
  }

  // 2 where nothing but rounding lies between; else from 1 down to 0 by orders of magnitude, as something may have gone
  // wrong before.
  static float likeness(double error, double limit) {
    if (error <= limit) return 2;
    return error < 1 ? static_cast<float>(std::log(error) / std::log(limit)) : 0.0F;
  }

  // In order: the best common subsequence, as for two models.
  void match() {
    const auto best = best_common_subsequence(items_.size(), dumps_.size(),
                                              [this](std::size_t i, std::size_t d) { return score(d, i); });
    item_of_.assign(dumps_.size(), kNone);
    for (const auto& [i, d] : best.pairs) item_of_[d] = static_cast<int>(i);
  }

  [[nodiscard]] double limit(int item) const { return options_.times_floor * std::max(floor(item), kLeastFloor); }
  [[nodiscard]] double floor(int item) const {
    const double floor = relative_error(lane_.at(value_of(item)), exact_.at(value_of(item)));
    return std::isfinite(floor) ? floor : kLeastFloor;
  }

  [[nodiscard]] double local_error(std::size_t d, const Substitution& substitution) const {
    try {
      Replayer replayer(target_.tape, at::ScalarType::Undefined, [&](int value) -> at::Tensor {
        if (const auto dumped = dumped_.find(value); dumped != dumped_.end()) return dumped->second;
        const Value& known = target_.tape.values[static_cast<std::size_t>(value)];
        const bool computed = known.kind == Value::Kind::computed;
        const bool constant = computed && target_.tape.calls[static_cast<std::size_t>(known.call)].constant;
        return !computed || constant ? lane_.at(value) : at::Tensor();
      });
      return relative_error(replayer.resolve({value_of(item_of_[d])}, substitution).front(), shaped(d, item_of_[d]));
    } catch (const std::exception&) { return std::numeric_limits<double>::infinity(); }
  }

  // What the target makes of the dumps before this one.
  void judge(std::size_t d, int previous) {
    const int item = item_of_[d];
    const double error = local_error(d, {});
    const double propagated = relative_error(lane_.at(value_of(item)), shaped(d, item));
    if (error > limit(item) || std::isnan(error)) {
      Fault fault;
      fault.cause = Cause::numeric;
      fault.target = place(item);
      fault.reference.name = dumps_[d].name;
      fault.error = error;
      fault.floor = floor(item);
      const int between = item - previous - 1;
      fault.message =
          "from the dumps before it the target makes another tensor than " + dumps_[d].name +
          (between > 0 ? "; " + std::to_string(between) + " operations before it have no dump" : std::string());
      try_alternatives(fault, d, previous);
      result_.faults.push_back(std::move(fault));
    }
    if (result_.first_divergence < 0 && propagated > limit(item) && !result_.faults.empty())
      result_.first_divergence = static_cast<std::int64_t>(result_.faults.size()) - 1;
    dumped_[value_of(item)] = shaped(d, item).to(lane_.at(value_of(item)).scalar_type());
  }

  // One argument that explains it all is very likely the cause.
  void try_alternatives(Fault& fault, std::size_t d, int previous) {
    for (int i = item_of_[d]; i > previous; --i) {
      const Item& item = items_[static_cast<std::size_t>(i)];
      const Call& call = target_.tape.calls[item.principal];
      for (const Alternative& other : alternatives(target_.tape, call)) {
        Substitution substitution;
        substitution.arguments[item.principal] = {{other.index, other.value}};
        const double after = local_error(d, substitution);
        if (!(after <= limit(item_of_[d]))) continue;
        fault.cause = other.training_mode ? Cause::training_mode : Cause::argument;
        fault.target = place(i);
        fault.target.name = other.name;
        fault.message = other.name + " is " + text_of(call.arguments[static_cast<std::size_t>(other.index)]) +
                        " in the target; with " + text_of(other.value) + " it gives " + dumps_[d].name;
        fault.repair = {"set " + other.name + " = " + text_of(other.value), true, true, after};
        Mend mend;
        mend.substitution = std::move(substitution);
        result_.mends.push_back(std::move(mend));
        return;
      }
    }
  }

  [[nodiscard]] Place place(int index) const {
    const Item& item = items_[static_cast<std::size_t>(index)];
    return {item.layer, item.kind, index, {}, probes::resolve(target_.tape.calls[item.principal].frames)};
  }

  // The last dump stands for the reference's output, if it is like the target's.
  void outputs() {
    if (dumps_.empty() || target_.outputs.empty()) return;
    const at::Tensor& last = dumps_.back().tensor;
    if (last.numel() != target_.outputs.front().numel()) {
      result_.not_compared.push_back({"the output", "the last dump has another shape"});
      result_.before.error = std::numeric_limits<double>::quiet_NaN();
    } else {
      result_.before = agreement({target_.outputs.front()}, {last.reshape(target_.outputs.front().sizes())});
      result_.before.floor =
          relative_error(lane_.at(target_.tape.outputs.front()), exact_.at(target_.tape.outputs.front()));
    }
    result_.after = result_.before;
  }

  const std::vector<DumpedTensor>& dumps_;
  const Recording& target_;
  const Options options_;
  const std::vector<Item> items_;
  Lane lane_, exact_;
  std::vector<int> item_of_;
  std::unordered_map<int, at::Tensor> dumped_;  // by value of the target
  WalkResult result_;
};

}  // namespace

WalkResult walk_dumps(const std::vector<DumpedTensor>& dumps, const Recording& target, const Options& options) {
  return DumpWalker(dumps, target, options).walk();
}

}  // namespace sonde::compare
