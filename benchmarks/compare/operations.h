// The operations of a network in the order of execution, as the ground truth counts them: views and copies left out.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "compare/networks.h"

namespace sonde::pairs {

struct Operation {
  std::string name;   // "conv2d"
  std::string layer;  // that whose parameters it uses, else the last before that did
};

[[nodiscard]] std::vector<Operation> operations_of(Network& network, const std::function<void()>& run);

}  // namespace sonde::pairs
