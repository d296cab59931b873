// The parameters of one operation of the target against those of its counterpart.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sonde/comparison.h>

#include "compare/ground.h"

namespace sonde::compare {

// What a parameter of the target should hold.
struct ParameterMend {
  const ItemParameter* parameter;
  at::Tensor mended;     // in the item's orientation
  at::Tensor reference;  // of the same shape; undefined if shapes differ
};

struct ParameterCheck {
  std::vector<Fault> faults;
  std::vector<ParameterMend> mends;
  std::size_t compared = 0, equal = 0;
};

[[nodiscard]] ParameterCheck check_parameters(const Ground& ground, int reference_item, int target_item);

// From the orientation in which it is held to the item's, and back.
[[nodiscard]] at::Tensor turned(const at::Tensor& tensor, bool transposed);

// In the item's orientation.
[[nodiscard]] at::Tensor tensor_of(const Side& side, const ItemParameter& parameter);

// nullptr if the item has none of this role.
[[nodiscard]] const ItemParameter* parameter_in(const Item& item, const std::string& role);

}  // namespace sonde::compare
