#include "compare/structure.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/error.h"

namespace sonde::compare {
namespace {

constexpr std::size_t kMostTogether = 3;  // matched operations that may be right only together
constexpr std::int64_t kMostMoved = 3;    // operations that one may have been moved over

// Unmatched items behind a value, and the matched ones that they start from; in the order of execution.
struct Between {
  std::set<int> unmatched;
  std::set<int> matched;
};

template <typename Maker>
Between between(const std::vector<Item>& items, const std::vector<int>& other, const Maker& maker, int value) {
  Between found;
  std::vector<int> open{value};
  while (!open.empty()) {
    const int item = maker(open.back());
    open.pop_back();
    if (item == kNone) continue;
    if (other[static_cast<std::size_t>(item)] != kNone) {
      found.matched.insert(item);
      continue;
    }
    if (!found.unmatched.insert(item).second) continue;
    for (const int input : items[static_cast<std::size_t>(item)].inputs) open.push_back(input);
  }
  return found;
}

std::string names(const std::vector<Item>& items, const std::set<int>& numbers) {
  std::string text;
  std::size_t count = 0;
  for (const int number : numbers) {
    if (++count > 6) return text + " and " + std::to_string(numbers.size() - 6) + " more";
    text += (text.empty() ? "" : ", ") + items[static_cast<std::size_t>(number)].kind;
  }
  return text;
}

// Says the same for all numbers if it does for some: a division for a multiplication by the inverse.
bool is_arithmetic(const Item& item) {
  static const std::set<std::string_view> kinds{"add", "sub", "rsub",   "mul",    "div",
                                                "neg", "pow", "matmul", "linear", "permute"};
  return kinds.contains(item.kind) || item.inputs.size() != 1;
}

class InputChecker {
 public:
  InputChecker(Ground& ground, int t, int target_value, int r, int reference_value)
      : ground_(ground), t_(t), target_value_(target_value), r_(r), reference_value_(reference_value) {}

  InputCheck check() {
    InputCheck result;
    if (ground_.counterpart(target_value_) == reference_value_) return result;
    const at::NoGradGuard no_grad;
    const at::DisableRecordFunctionGuard unobserved;
    wanted_ = ground_.reference_lane.at(reference_value_);
    const double alone = error_through({});
    if (alone <= ground_.limit(floor())) {
      result.fault = unseen_change(alone);
      ground_.correspond(target_value_, reference_value_);
      return result;
    }
    if (right_together(result.absolved)) {
      ground_.correspond(target_value_, reference_value_);
      return result;
    }
    result.fault = fault(alone);
    if (result.fault) ground_.assume(target_value_, reference_value_);
    return result;
  }

 private:
  // Of the last operation: rounding in the reference's own result.
  [[nodiscard]] double floor() const {
    const int maker = ground_.maker_in_reference(reference_value_);
    return maker == kNone ? kLeastFloor : ground_.floor_of(ground_.reference_items[static_cast<std::size_t>(maker)]);
  }

  [[nodiscard]] double error_through(const std::set<int>& through) const {
    try {
      return relative_error_in_any_shape(ground_.resolve({target_value_}, {}, through).front(), wanted_);
    } catch (const std::exception&) { return std::numeric_limits<double>::infinity(); }
  }

  [[nodiscard]] Between behind_target() const {
    return between(
        ground_.target_items, ground_.alignment.reference_of, [&](int value) { return ground_.maker_in_target(value); },
        target_value_);
  }
  [[nodiscard]] Between behind_reference() const {
    return between(
        ground_.reference_items, ground_.alignment.target_of,
        [&](int value) { return ground_.maker_in_reference(value); }, reference_value_);
  }

  // Takes matched operations in, from the nearest on, until the whole gives the reference's tensor.
  bool right_together(std::set<int>& absolved) const {
    std::set<int> through;
    std::set<int> next = behind_target().matched;
    while (!next.empty() && through.size() < kMostTogether) {
      const int nearest = *next.rbegin();
      next.erase(nearest);
      through.insert(nearest);
      if (error_through(through) <= ground_.limit(floor())) {
        absolved = through;
        return true;
      }
      for (const int input : ground_.target_items[static_cast<std::size_t>(nearest)].inputs)
        next.merge(between(
                       ground_.target_items, ground_.alignment.reference_of,
                       [&](int value) { return ground_.maker_in_target(value); }, input)
                       .matched);
    }
    return false;
  }

  [[nodiscard]] std::optional<Fault> fault(double error) const {
    const auto& items = ground_.target_items;
    std::set<int> mine = behind_target().unmatched, wanted = behind_reference().unmatched;
    Fault fault;
    fault.stage = Stage::structure;
    fault.error = error;
    fault.floor = floor();
    for (const int item : mine)
      if (is_active_dropout(item)) {
        fault.stage = Stage::arguments;
        fault.cause = Cause::training_mode;
        fault.message = "dropout is active in the target; the reference has none here";
        fault.target = ground_.place(ground_.target, item);
        fault.repair.what = "call eval() on the model";
        return fault;
      }
    std::erase_if(mine, [&](int i) { return items[static_cast<std::size_t>(i)].optional; });
    std::erase_if(wanted, [&](int i) { return ground_.reference_items[static_cast<std::size_t>(i)].optional; });
    if (!wanted.empty()) fault.reference = ground_.place(ground_.reference, *wanted.begin());
    if (!mine.empty()) fault.target = ground_.place(ground_.target, *mine.begin());
    const std::string wanted_names = names(ground_.reference_items, wanted), names_of_mine = names(items, mine);
    if (!wanted.empty() && !mine.empty()) {
      fault.cause = Cause::operation_kind;
      fault.message = "the target has " + names_of_mine + " where the reference has " + wanted_names;
    } else if (!wanted.empty()) {
      fault.cause = Cause::operation_missing;
      fault.message = "the target lacks " + wanted_names;
      fault.target = before_here();
    } else if (!mine.empty()) {
      fault.cause = Cause::operation_extra;
      fault.message = names_of_mine + " of the target is not in the reference";
      if (r_ != kNone) fault.reference = ground_.place(ground_.reference, r_);
    } else {
      return wiring(std::move(fault));
    }
    return fault;
  }

  // One operation in place of one other, which these inputs do not tell apart: a relu6 where nothing exceeds six.
  [[nodiscard]] std::optional<Fault> unseen_change(double error) const {
    const std::set<int> mine = behind_target().unmatched, wanted = behind_reference().unmatched;
    if (mine.size() != 1 || wanted.size() != 1) return std::nullopt;
    const Item& got = ground_.target_items[static_cast<std::size_t>(*mine.begin())];
    const Item& expected = ground_.reference_items[static_cast<std::size_t>(*wanted.begin())];
    if (got.kind == expected.kind || is_arithmetic(got) || is_arithmetic(expected)) return std::nullopt;
    auto found = fault(error);
    if (found) found->visible = false;
    return found;
  }

  [[nodiscard]] bool is_active_dropout(int item) const {
    const Item& found = ground_.target_items[static_cast<std::size_t>(item)];
    return found.kind.find("dropout") != std::string::npos && !found.optional;
  }

  // The same operation on another operand.
  [[nodiscard]] std::optional<Fault> wiring(Fault fault) const {
    fault.cause = Cause::operation_wiring;
    const int taken = ground_.maker_in_target(target_value_), wanted = ground_.maker_in_reference(reference_value_);
    fault.target = t_ == kNone ? before_here() : ground_.place(ground_.target, t_);
    if (r_ != kNone) fault.reference = ground_.place(ground_.reference, r_);
    fault.message = "it takes the output of " + named(ground_.target, taken) + "; the reference takes that of " +
                    named(ground_.reference, wanted);
    return fault;
  }
  [[nodiscard]] static std::string named(const Side& side, int item) {
    if (item == kNone) return "the model's input";
    const Item& found = side.items[static_cast<std::size_t>(item)];
    return found.layer.empty() ? found.kind : found.kind + (found.owned ? " " : " after ") + found.layer;
  }

  // The last operation of the target before the one that takes the value.
  [[nodiscard]] Place before_here() const {
    const auto behind = behind_target();
    if (!behind.matched.empty()) return ground_.place(ground_.target, *behind.matched.rbegin());
    return t_ == kNone ? Place{} : ground_.place(ground_.target, t_);
  }

  Ground& ground_;
  const int t_, target_value_, r_, reference_value_;
  at::Tensor wanted_;
};

}  // namespace

InputCheck check_input(Ground& ground, int t, int target_value, int r, int reference_value) {
  return InputChecker(ground, t, target_value, r, reference_value).check();
}

bool equal_with_what_precedes(const Ground& ground, int r, int t) {
  const Item& a = ground.reference_items[static_cast<std::size_t>(r)];
  const Item& b = ground.target_items[static_cast<std::size_t>(t)];
  if (a.outputs.size() != b.outputs.size()) return false;
  const at::DisableRecordFunctionGuard unobserved;
  try {
    const auto results = ground.resolve(b.outputs, {}, {t});
    const double limit = ground.limit(ground.floor_of(a));
    for (std::size_t i = 0; i < results.size(); ++i)
      if (!(relative_error_in_any_shape(results[i], ground.reference_lane.at(a.outputs[i])) <= limit)) return false;
    return true;
  } catch (const std::exception&) { return false; }
}

void join_moved(std::vector<Fault>& faults) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    for (std::size_t j = 0; j < faults.size(); ++j) {
      Fault& missing = faults[i];
      Fault& extra = faults[j];
      if (missing.cause != Cause::operation_missing || extra.cause != Cause::operation_extra) continue;
      if (missing.reference.operation != extra.target.operation) continue;
      if (std::abs(missing.target.index - extra.target.index) > kMostMoved) continue;
      extra.cause = Cause::operation_order;
      extra.message = extra.target.operation +
                      (extra.target.index <= missing.target.index ? " comes earlier" : " comes later") +
                      " in the target than in the reference";
      extra.reference = missing.reference;
      faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(i));
      join_moved(faults);
      return;
    }
  }
}

}  // namespace sonde::compare
