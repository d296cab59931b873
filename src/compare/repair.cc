#include <algorithm>
#include <string>
#include <utility>

#include <c10/core/GradMode.h>
#include <sonde/compare.h>

#include "compare/mends.h"
#include "compare/module_options.h"
#include "compare/subject.h"

namespace sonde::compare {
namespace {

class Repairer {
 public:
  Repairer(Subject& target, const Mends& mends) : target_(target), mends_(mends) {}

  Repaired repair() {
    for (const auto& mend : mends_.stored) stored(mend);
    for (const auto& mend : mends_.arguments) argument(mend);
    return std::move(result_);
  }

 private:
  void stored(const Mends::StoredMend& mend) {
    const at::NoGradGuard no_grad;
    for (const StoredTensor& one : target_.stored()) {
      if (one.name != mend.name) continue;
      if (one.tensor.sizes() != mend.tensor.sizes()) {
        result_.left.push_back(mend.name + " has another shape; build the module anew");
        return;
      }
      at::Tensor(one.tensor).copy_(mend.tensor);
      result_.applied.push_back(mend.name);
      return;
    }
    result_.left.push_back(mend.name + " is not among the target's parameters");
  }

  void argument(const Mends::ArgumentMend& mend) {
    torch::nn::Module* module = target_.module() == nullptr ? nullptr : module_of(mend);
    if (module != nullptr && set_option(*module, mend.name, mend.value)) {
      result_.applied.push_back(mend.text);
    } else {
      result_.left.push_back("set it in the program: " + mend.text);
    }
  }

  // The layer itself; for an operation without parameters the module whose turn it is, if each of its kind runs once.
  [[nodiscard]] torch::nn::Module* module_of(const Mends::ArgumentMend& mend) const {
    if (mend.owned) return module_at(*target_.module(), mend.layer);
    const auto candidates = modules_running(*target_.module(), mend.operation);
    return candidates.size() == mend.of && mend.number < candidates.size() ? candidates[mend.number] : nullptr;
  }

  Subject& target_;
  const Mends& mends_;
  Repaired result_;
};

}  // namespace

Repaired repair(const Model& target, const Result& result) {
  Repaired repaired = result.mends ? Repairer(target.subject(), *result.mends).repair() : Repaired{};
  for (const Fault& fault : result.faults)
    if (!fault.repair.accepted) repaired.left.push_back(fault.target.layer + ": " + fault.message);
  return repaired;
}

}  // namespace sonde::compare
