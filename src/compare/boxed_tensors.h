// The tensors in boxed values: arguments and results as the dispatcher has them.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace sonde::compare {

// The tensors in a value: a tensor, a tuple, a list or a dictionary of them; others are passed over.
void add_tensors(const c10::IValue& value, std::vector<at::Tensor>& tensors);

// For a list of tensors a new one of as many undefined tensors; any other value as it is.
[[nodiscard]] c10::IValue with_emptied_list(const c10::IValue& value);

}  // namespace sonde::compare
