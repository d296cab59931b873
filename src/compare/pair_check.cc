#include "compare/pair_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include "compare/arguments.h"
#include "compare/error.h"
#include "compare/parameter_diagnosis.h"

namespace sonde::compare {
namespace {

// Smaller differences of a parameter are rounding: folded or recomputed weights.
constexpr double kParameterRounding = 1e-6;

at::Tensor turned(const at::Tensor& tensor, bool transposed) {
  return transposed && tensor.dim() == 2 ? tensor.t() : tensor;
}

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
      if (const ItemParameter* other = counterpart_of(parameter)) {
        const auto mine = tensor_of(ground_.reference, *other), yours = tensor_of(ground_.target, parameter);
        if (mine.defined() && yours.defined() && mine.sizes() == yours.sizes() && is_reduced(yours.scalar_type()) &&
            at::equal(mine.to(yours.scalar_type()), yours))
          base_.values[parameter.value] = turned(mine, parameter.transposed);
      }
  }

  [[nodiscard]] static at::Tensor tensor_of(const Side& side, const ItemParameter& parameter) {
    return turned(side.tape.values[static_cast<std::size_t>(parameter.value)].tensor, parameter.transposed);
  }

  [[nodiscard]] const ItemParameter* counterpart_of(const ItemParameter& parameter) const {
    for (const ItemParameter& other : a_.parameters)
      if (other.role == parameter.role) return &other;
    return nullptr;
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
    Fault fault;
    fault.stage = stage;
    fault.cause = cause;
    fault.target = ground_.place(ground_.target, t_);
    fault.reference = ground_.place(ground_.reference, r_);
    fault.message = std::move(message);
    result_.faults.push_back(std::move(fault));
    return result_.faults.back();
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
    for (const ItemParameter& mine : a_.parameters) {
      const auto yours = std::ranges::find(b_.parameters, mine.role, &ItemParameter::role);
      if (yours == b_.parameters.end()) {
        add_missing(ground_.reference, mine, "the target has no " + mine.role);
        continue;
      }
      ++result_.parameters;
      if (is_of_merged_biases(mine.role)) {
        ++result_.equal_parameters;
        continue;
      }
      const std::size_t before = result_.faults.size();
      check_registered(mine, *yours);
      compare_parameter(mine, *yours);
      if (result_.faults.size() == before) ++result_.equal_parameters;
    }
    for (const ItemParameter& yours : b_.parameters)
      if (counterpart_of(yours) == nullptr) add_missing(ground_.target, yours, "the reference has no " + yours.role);
  }

  // The two biases of a recurrent layer, of which only the sum matters.
  [[nodiscard]] bool is_of_merged_biases(const std::string& role) const {
    const auto part = role.find("bias_");
    if (part != 0 || (a_.kind != "lstm" && a_.kind != "gru" && a_.kind != "rnn_tanh" && a_.kind != "rnn_relu"))
      return false;
    const std::string layer = role.substr(std::string("bias_ih").size());
    const auto held = [&](const Side& side, const Item& item, const char* name) {
      const auto found = std::ranges::find(item.parameters, name + layer, &ItemParameter::role);
      return found == item.parameters.end() ? at::Tensor() : tensor_of(side, *found);
    };
    const at::Tensor tensors[] = {held(ground_.reference, a_, "bias_ih"), held(ground_.reference, a_, "bias_hh"),
                                  held(ground_.target, b_, "bias_ih"), held(ground_.target, b_, "bias_hh")};
    for (const at::Tensor& tensor : tensors)
      if (!tensor.defined()) return false;
    const auto merged = diagnose_merged_biases(tensors[0], tensors[1], tensors[2], tensors[3], {a_.kind, role, {}, 0});
    return merged && merged->benign;
  }

  // A bias of zeros, and a scale of ones, are as good as none.
  void add_missing(const Side& side, const ItemParameter& parameter, std::string message) {
    const auto tensor = tensor_of(side, parameter);
    const bool weight = parameter.role == "weight" || parameter.role == "running_var";
    if (!tensor.defined() || at::equal(tensor, weight ? at::ones_like(tensor) : at::zeros_like(tensor))) return;
    Fault& fault = add(Stage::parameters, Cause::parameter_missing, std::move(message));
    (&side == &ground_.target ? fault.target : fault.reference).name = name_of(side, parameter);
  }

  [[nodiscard]] static std::string name_of(const Side& side, const ItemParameter& parameter) {
    const Value& value = side.tape.values[static_cast<std::size_t>(parameter.value)];
    return value.kind == Value::Kind::stored ? side.tape.stored[static_cast<std::size_t>(value.stored)].name
                                             : std::string();
  }

  void check_registered(const ItemParameter& mine, const ItemParameter& yours) {
    const auto kind = [](const Side& side, const ItemParameter& p) {
      return side.tape.values[static_cast<std::size_t>(p.value)].kind;
    };
    if (kind(ground_.reference, mine) != Value::Kind::stored || kind(ground_.target, yours) == Value::Kind::stored)
      return;
    if (ground_.target.tape.stored.empty()) return;  // a function without parameters of its own
    Fault& fault =
        add(Stage::parameters, Cause::parameter_not_registered,
            "its " + yours.role + " is in no parameter or buffer of the target: load, to and eval pass it over");
    fault.target.name = yours.role;
    fault.reference.name = name_of(ground_.reference, mine);
    fault.repair.what = "register the module (register_module) or the tensor (register_parameter, register_buffer)";
  }

  void compare_parameter(const ItemParameter& mine, const ItemParameter& yours) {
    const auto reference = tensor_of(ground_.reference, mine), target = tensor_of(ground_.target, yours);
    if (!reference.defined() || !target.defined()) return;
    if (reference.sizes() == target.sizes() && reference.scalar_type() == target.scalar_type() &&
        at::equal(reference, target))
      return;
    const auto difference = diagnose_parameter(reference, target, role_of(mine), ground_.reduced);
    if (!difference || difference->benign) return;
    if (std::abs(difference->relative_error) < kParameterRounding) return;
    Fault& fault = add(Stage::parameters, difference->cause, difference->message);
    fault.evidence = difference->evidence;
    fault.target.name = name_of(ground_.target, yours);
    fault.reference.name = name_of(ground_.reference, mine);
    if (fault.target.name.empty()) fault.target.name = yours.role;
    fault.repair.what = difference->repair;
    const bool same_shape = reference.sizes() == target.sizes();
    at::Tensor mended = difference->mended.defined() ? difference->mended
                        : same_shape                 ? reference.to(target.scalar_type())
                                                     : at::Tensor();
    if (!mended.defined()) return;
    if (fault.repair.what.empty()) fault.repair.what = "copy the reference's values";
    mends_.push_back({&yours, mended, same_shape ? reference : at::Tensor()});
  }

  [[nodiscard]] ParameterRole role_of(const ItemParameter& parameter) const {
    ParameterRole role{a_.kind, parameter.role, {}, 0};
    if (a_.kind != "linear" || a_.inputs.empty() || parameter.role != "weight") return role;
    // What is multiplied has two dimensions though what it was made of had four: a flatten.
    const auto& made = ground_.reference.tape.values[static_cast<std::size_t>(a_.inputs.front())].sizes;
    const auto weight = tensor_of(ground_.reference, parameter);
    if (made.size() == 4 && weight.dim() == 2 && made[1] * made[2] * made[3] == weight.size(1))
      role.flattened = {made[1], made[2], made[3]};
    return role;
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

  struct ParameterMend {
    const ItemParameter* parameter;
    at::Tensor mended;     // in the item's orientation
    at::Tensor reference;  // of the same shape; undefined if shapes differ
  };

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
