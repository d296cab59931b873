#include "compare/replayer.h"

#include <algorithm>
#include <stdexcept>

namespace sonde::compare {
namespace {

constexpr std::size_t kMostCalls = 512;

}  // namespace

std::vector<at::Tensor> Replayer::resolve(const std::vector<int>& values, const Substitution& substitution) {
  made_.clear();
  std::vector<at::Tensor> tensors;
  for (const int value : values) tensors.push_back(resolve_one(value, substitution));
  made_.clear();
  return tensors;
}

// Iterative: chains may be as long as the tape.
at::Tensor Replayer::resolve_one(int wanted, const Substitution& substitution) {
  const auto ready = [&](int value) -> at::Tensor {
    if (const auto own = substitution.values.find(value); own != substitution.values.end())
      return in_precision(own->second, precision_);
    if (const auto made = made_.find(value); made != made_.end()) return made->second;
    return known_(value);
  };
  std::vector<int> open{wanted};
  while (!open.empty()) {
    const int value = open.back();
    if (ready(value).defined()) {
      open.pop_back();
      continue;
    }
    const Value& description = tape_.values[static_cast<std::size_t>(value)];
    if (description.kind != Value::Kind::computed) throw std::runtime_error("a tensor is not known");
    const auto number = static_cast<std::size_t>(description.call);
    const Call& call = tape_.calls[number];
    std::vector<at::Tensor> tensors;
    std::vector<int> missing;
    for (const Operand& operand : call.operands) {
      tensors.push_back(ready(operand.value));
      if (!tensors.back().defined()) missing.push_back(operand.value);
    }
    if (!missing.empty()) {
      if (open.size() + missing.size() > kMostCalls) throw std::runtime_error("too many operations lie between");
      open.insert(open.end(), missing.begin(), missing.end());
      continue;
    }
    const auto edits = substitution.arguments.find(number);
    const auto results = run_call(call, std::move(tensors), true, precision_,
                                  edits == substitution.arguments.end() ? nullptr : &edits->second);
    for (std::size_t i = 0; i < results.size() && i < call.results.size(); ++i) made_[call.results[i]] = results[i];
    if (!made_.contains(value)) throw std::runtime_error(call.kind + " gave fewer results than when it was recorded");
    open.pop_back();
  }
  return ready(wanted);
}

}  // namespace sonde::compare
