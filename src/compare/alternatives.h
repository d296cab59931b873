// What else an argument could well have been: values that frameworks disagree about. For references of which only tensors
// are known, so that nothing can be read from them.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/ivalue.h>

#include "compare/tape.h"

namespace sonde::compare {

struct Alternative {
  int index = kNone;  // in the schema
  std::string name;
  c10::IValue value;
  bool training_mode = false;
};

// Other values of one argument each. Source: defaults of PyTorch, TensorFlow, Keras, ONNX and darknet, see docs/compare.md.
[[nodiscard]] std::vector<Alternative> alternatives(const Tape& tape, const Call& call);

}  // namespace sonde::compare
