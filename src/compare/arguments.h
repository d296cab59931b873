// Arguments of two calls of one kind, after defaults are filled in (a schema's defaults are among what is boxed).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>

#include "compare/items.h"

namespace sonde::compare {

struct ArgumentDifference {
  std::string name;
  c10::IValue reference;
  c10::IValue target;
  int index = kNone;           // in the target's schema; kNone if it has no such argument
  bool training_mode = false;  // whether the operation behaves as in training
};

// Those that can change what comes out. Passed over: the momentum of statistics that are not updated, the rate of a
// dropout in evaluation, memory formats, dtypes, hints to kernels. One number stands for a list of it; a missing stride
// for the kernel's size; dimensions are counted from the front.
[[nodiscard]] std::vector<ArgumentDifference> compare_arguments(const Tape& reference, const Item& a,
                                                                const Tape& target, const Item& b);

// All of an item's arguments as one text, normalised as for the comparison: equal texts are equal arguments.
[[nodiscard]] std::string signature(const Tape& tape, const Item& item);

// "0.001", "[2, 2]", "true", "tanh".
[[nodiscard]] std::string text_of(const c10::IValue& value);

}  // namespace sonde::compare
