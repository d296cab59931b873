#include "compare/pair_parameters.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/Functions.h>

#include "compare/parameter_diagnosis.h"

namespace sonde::compare {
namespace {

// Smaller differences of a parameter are rounding: folded or recomputed weights.
constexpr double kParameterRounding = 1e-6;

class ParameterChecker {
 public:
  ParameterChecker(const Ground& ground, int r, int t)
      : ground_(ground),
        r_(r),
        t_(t),
        a_(ground.reference_items[static_cast<std::size_t>(r)]),
        b_(ground.target_items[static_cast<std::size_t>(t)]) {}

  ParameterCheck check() {
    for (const ItemParameter& mine : a_.parameters) {
      const ItemParameter* yours = parameter_in(b_, mine.role);
      if (yours == nullptr) {
        add_missing(ground_.reference, mine, "the target has no " + mine.role);
        continue;
      }
      ++result_.compared;
      if (is_of_merged_biases(mine.role)) {
        ++result_.equal;
        continue;
      }
      const std::size_t before = result_.faults.size();
      check_registered(mine, *yours);
      compare(mine, *yours);
      if (result_.faults.size() == before) ++result_.equal;
    }
    for (const ItemParameter& yours : b_.parameters)
      if (parameter_in(a_, yours.role) == nullptr)
        add_missing(ground_.target, yours, "the reference has no " + yours.role);
    return std::move(result_);
  }

 private:
  Fault& add(Cause cause, std::string message) {
    return result_.faults.emplace_back(ground_.fault(r_, t_, Stage::parameters, cause, std::move(message)));
  }

  // The two biases of a recurrent layer, of which only the sum matters.
  [[nodiscard]] bool is_of_merged_biases(const std::string& role) const {
    const auto part = role.find("bias_");
    if (part != 0 || (a_.kind != "lstm" && a_.kind != "gru" && a_.kind != "rnn_tanh" && a_.kind != "rnn_relu"))
      return false;
    const std::string layer = role.substr(std::string("bias_ih").size());
    const auto held = [&](const Side& side, const Item& item, const char* name) {
      const ItemParameter* found = parameter_in(item, name + layer);
      return found == nullptr ? at::Tensor() : tensor_of(side, *found);
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
    Fault& fault = add(Cause::parameter_missing, std::move(message));
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
        add(Cause::parameter_not_registered,
            "its " + yours.role + " is in no parameter or buffer of the target: load, to and eval pass it over");
    fault.target.name = yours.role;
    fault.reference.name = name_of(ground_.reference, mine);
    fault.repair.what = "register the module (register_module) or the tensor (register_parameter, register_buffer)";
  }

  void compare(const ItemParameter& mine, const ItemParameter& yours) {
    const auto reference = tensor_of(ground_.reference, mine), target = tensor_of(ground_.target, yours);
    if (!reference.defined() || !target.defined()) return;
    if (reference.sizes() == target.sizes() && reference.scalar_type() == target.scalar_type() &&
        at::equal(reference, target))
      return;
    const auto difference = diagnose_parameter(reference, target, role_of(mine), ground_.reduced);
    if (!difference || difference->benign) return;
    if (std::abs(difference->relative_error) < kParameterRounding) return;
    Fault& fault = add(difference->cause, difference->message);
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
    result_.mends.push_back({&yours, mended, same_shape ? reference : at::Tensor()});
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

  const Ground& ground_;
  const int r_, t_;
  const Item& a_;
  const Item& b_;
  ParameterCheck result_;
};

}  // namespace

at::Tensor turned(const at::Tensor& tensor, bool transposed) {
  return transposed && tensor.dim() == 2 ? tensor.t() : tensor;
}

at::Tensor tensor_of(const Side& side, const ItemParameter& parameter) {
  return turned(side.tape.values[static_cast<std::size_t>(parameter.value)].tensor, parameter.transposed);
}

const ItemParameter* parameter_in(const Item& item, const std::string& role) {
  const auto found = std::ranges::find(item.parameters, role, &ItemParameter::role);
  return found == item.parameters.end() ? nullptr : &*found;
}

ParameterCheck check_parameters(const Ground& ground, int r, int t) { return ParameterChecker(ground, r, t).check(); }

}  // namespace sonde::compare
