// Which value of a tape each tensor of the running model is.
//
// A tensor is known by its TensorImpl, else by its memory and geometry (what is made without the dispatcher, as x.data()
// is); memory that was written without an operator becomes a constant.
#pragma once

#include <cstdint>
#include <unordered_map>

#include <ATen/core/Tensor.h>

#include "compare/tape.h"

namespace sonde::compare {

// A value of the tensor's sizes and type.
[[nodiscard]] Value described(const at::Tensor& tensor);

class KnownTensors {
 public:
  explicit KnownTensors(Tape& tape) : tape_(tape) {}

  // Adds the value to the tape; this is what the tensor is from now on. Returns its number.
  int add(const at::Tensor& tensor, Value value);

  // The number of the value that the tensor is; that of a new constant if it is none.
  [[nodiscard]] int value_of(const at::Tensor& tensor);

 private:
  // Held weakly, so that the address is not used again; strongly, the model would need more memory than without us.
  using Weak = c10::weak_intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>;
  struct Known {
    int value;
    std::uint32_t version;
    std::uint64_t fingerprint;
    Weak weak;
  };

  // Numbers stand for storages, which live as long as a tensor that we hold weakly may be used again.
  int memory_of(const at::Tensor& tensor);

  Tape& tape_;
  std::unordered_map<const at::TensorImpl*, Known> known_;
  std::unordered_map<const c10::StorageImpl*, const at::TensorImpl*> by_memory_;  // one value in it
  int next_memory_ = 0;
};

}  // namespace sonde::compare
