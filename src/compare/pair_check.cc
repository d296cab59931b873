#include "compare/pair_check.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <limits>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/arguments.h"
#include "compare/error.h"
#include "compare/pair_parameters.h"

namespace sonde::compare {
namespace {

class PairChecker {
 public:
  PairChecker(const Ground& ground, int r, int t, const std::vector<int>& inputs)
      : ground_(ground),
        r_(r),
        t_(t),
        a_(ground.reference_items[static_cast<std::size_t>(r)]),
        b_(ground.target_items[static_cast<std::size_t>(t)]),
        inputs_(inputs) {}

  PairCheck check() {
    const at::NoGradGuard no_grad;
    const at::DisableRecordFunctionGuard unobserved;
    take_inputs();
    result_.error = error_with({});
    result_.floor = kLeastFloor;
    if (!(result_.error <= ground_.limit(kLeastFloor))) result_.floor = ground_.floor_of(a_);
    compare_arguments_of_pair();
    compare_parameters();
    const bool differs = !(result_.error <= ground_.limit(result_.floor)) && possible_;
    if (differs && result_.faults.empty()) add_numeric();
    for (Fault& fault : result_.faults) {
      fault.error = possible_ ? result_.error : std::numeric_limits<double>::quiet_NaN();
      fault.floor = result_.floor;
      fault.visible = differs || !possible_;
    }
    if (ground_.options.try_repairs && possible_ && !result_.faults.empty()) try_repairs();
    return std::move(result_);
  }

 private:
  void take_inputs() {
    for (std::size_t k = 0; k < b_.inputs.size(); ++k) {
      if (inputs_[k] == kNone) {
        possible_ = false;
        return;
      }
      auto tensor = ground_.as_target(inputs_[k], b_.inputs[k]);
      if (!tensor.defined()) {
        possible_ = false;
        return;
      }
      base_.values[b_.inputs[k]] = std::move(tensor);
    }
    if (!ground_.reduced) return;
    // A parameter that is the reference's but for the target's precision is taken in full.
    for (const ItemParameter& parameter : b_.parameters)
      if (const ItemParameter* other = parameter_in(a_, parameter.role)) {
        const auto mine = tensor_of(ground_.reference, *other), yours = tensor_of(ground_.target, parameter);
        if (mine.defined() && yours.defined() && mine.sizes() == yours.sizes() && is_reduced(yours.scalar_type()) &&
            at::equal(mine.to(yours.scalar_type()), yours))
          base_.values[parameter.value] = turned(mine, parameter.transposed);
      }
  }

  // Of the outputs, in the reference's shapes.
  double error_with(const Substitution& more) {
    Substitution all = base_;
    for (const auto& [value, tensor] : more.values) all.values.insert_or_assign(value, tensor);
    all.arguments = more.arguments;
    if (!possible_) return std::numeric_limits<double>::quiet_NaN();
    try {
      const auto results = ground_.resolve(b_.outputs, all, {t_});
      double error = 0;
      for (std::size_t i = 0; i < results.size() && i < a_.outputs.size(); ++i)
        if (const auto wanted = ground_.reference_lane.at(a_.outputs[i]); wanted.defined())
          error = std::max(error, relative_error_in_any_shape(results[i], wanted));
      return error;
    } catch (const std::exception& failure) {
      failure_ = failure.what();
      return std::numeric_limits<double>::infinity();
    }
  }

  Fault& add(Stage stage, Cause cause, std::string message) {
    return result_.faults.emplace_back(ground_.fault(r_, t_, stage, cause, std::move(message)));
  }

  void compare_arguments_of_pair() {
    for (const ArgumentDifference& difference :
         compare_arguments(ground_.reference.tape, a_, ground_.target.tape, b_)) {
      const std::string wanted = text_of(difference.reference), got = text_of(difference.target);
      Fault& fault = add(Stage::arguments, difference.training_mode ? Cause::training_mode : Cause::argument,
                         difference.name + " is " + got + " in the target, " + wanted + " in the reference");
      fault.target.name = fault.reference.name = difference.name;
      if (difference.index == kNone) continue;
      fault.repair.what = difference.training_mode && !difference.reference.toBool()
                              ? "call eval() on it"
                              : "set " + difference.name + " = " + wanted;
      edits_.emplace_back(difference.index, difference.reference);
    }
  }

  void compare_parameters() {
    ParameterCheck found = check_parameters(ground_, r_, t_);
    std::ranges::move(found.faults, std::back_inserter(result_.faults));
    mends_ = std::move(found.mends);
    result_.parameters = found.compared;
    result_.equal_parameters = found.equal;
  }

  void add_numeric() {
    const bool broken = !failure_.empty();
    std::string message = broken ? "it cannot take the reference's activations: " + first_line(failure_)
                                 : "it gives other numbers, though its arguments and parameters are equal";
    const auto made = ground_.target_lane.at(b_.outputs.empty() ? kNone : b_.outputs.front());
    const auto wanted = ground_.reference_lane.at(a_.outputs.empty() ? kNone : a_.outputs.front());
    const bool overflow = made.defined() && wanted.defined() && at::isFloatingType(made.scalar_type()) &&
                          !made.isfinite().all().item<bool>() && wanted.isfinite().all().item<bool>();
    if (overflow) message = "its output is not finite in the target; the reference's largest value is finite";
    add(Stage::dynamic, overflow ? Cause::overflow : Cause::numeric, std::move(message));
  }
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  Mend mend_with(bool copy) const {
    Mend mend;
    if (!edits_.empty()) mend.substitution.arguments[b_.principal] = edits_;
    for (const ParameterMend& one : mends_) {
      const at::Tensor& tensor = copy && one.reference.defined() ? one.reference : one.mended;
      const at::Tensor held = turned(tensor, one.parameter->transposed);
      mend.substitution.values[one.parameter->value] = held;
      const Value& value = ground_.target.tape.values[static_cast<std::size_t>(one.parameter->value)];
      if (value.kind == Value::Kind::stored) mend.stored.emplace_back(value.stored, held);
    }
    return mend;
  }

  // All of the pair's at once: an operation is right or it is not.
  void try_repairs() {
    if (edits_.empty() && mends_.empty()) return;
    Mend mend = mend_with(false);
    double after = error_with(mend.substitution);
    if (!(after <= ground_.limit(result_.floor)) && !mends_.empty()) {
      Mend copy = mend_with(true);
      if (const double error = error_with(copy.substitution); error < after) {
        after = error;
        mend = std::move(copy);
        for (Fault& fault : result_.faults)
          if (fault.stage == Stage::parameters && !fault.repair.what.empty())
            fault.repair.what = "copy the reference's values";
      }
    }
    const bool accepted = after <= ground_.limit(result_.floor);
    for (Fault& fault : result_.faults) {
      if (fault.repair.what.empty() || fault.cause == Cause::parameter_not_registered) continue;
      fault.repair.tried = true;
      fault.repair.accepted = accepted;
      fault.repair.error_after = after;
    }
    if (accepted) result_.mend = std::move(mend);
  }

  const Ground& ground_;
  const int r_, t_;
  const Item& a_;
  const Item& b_;
  const std::vector<int>& inputs_;
  bool possible_ = true;
  std::string failure_;
  Substitution base_;
  ArgumentEdits edits_;
  std::vector<ParameterMend> mends_;
  PairCheck result_;
};

}  // namespace

PairCheck check_pair(const Ground& ground, int r, int t, const std::vector<int>& inputs) {
  return PairChecker(ground, r, t, inputs).check();
}

}  // namespace sonde::compare
