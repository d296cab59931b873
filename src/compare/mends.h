// Mends: the accepted repairs of a comparison, as they are applied to a model.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace sonde::compare {

class Mends {
 public:
  struct StoredMend {
    std::string name;   // of the target's parameter or buffer
    at::Tensor tensor;  // what it should hold
  };
  struct ArgumentMend {
    std::string layer;       // of the operation
    std::string operation;   // its kind
    std::size_t number = 0;  // among the target's operations of that kind
    std::size_t of = 0;      // so many there are
    bool owned = false;      // `layer` is the module that runs it
    std::string text;        // "set eps = 1e-05 of layer1.bn"
    std::string name;
    c10::IValue value;
  };
  std::vector<StoredMend> stored;
  std::vector<ArgumentMend> arguments;
};

}  // namespace sonde::compare
