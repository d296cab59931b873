// Tape: one forward pass, operation by operation, with copies of what each put out. Two tapes tell where two runs of the
// same program part.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <ATen/core/Tensor.h>
#include <sonde/finding.h>

#include "preflight/op_tap.h"

namespace sonde::preflights {

struct TapedOp {
  std::string operation;
  std::string layer;  // whose parameters it uses, or that of the operations before it
  bool owned = false;
  std::vector<at::Tensor> outputs;  // copies
  std::array<std::uintptr_t, 12> frames{};
  std::size_t frame_count = 0;

  // The place in the program. Slow: looks the source line up.
  [[nodiscard]] Location where(Phase phase) const;
};

// The layers by the memory of their parameters and buffers.
using LayersByStorage = std::unordered_map<const c10::StorageImpl*, std::string>;

struct Tape {
  std::vector<TapedOp> operations;
  std::unordered_set<const c10::StorageImpl*> read;  // all memory that operations took
  bool full = false;                                 // the memory for copies was used up: the end is missing
  double loss = 0;

  // The index after the last operation that uses parameters.
  [[nodiscard]] std::size_t end_of_layers() const;
};

// Writes a tape while it lives.
class Recorder {
 public:
  Recorder(const LayersByStorage& layers, Tape& tape);
  void rethrow() { tap_.rethrow(); }

 private:
  void before(std::string_view operation, const OpTap::Tensors& inputs);
  void after(const OpTap::Tensors& outputs);

  const LayersByStorage& layers_;
  Tape& tape_;
  TapedOp current_;
  std::string last_layer_;
  std::size_t bytes_ = 0;
  OpTap tap_;  // last: it calls the others
};

[[nodiscard]] const c10::StorageImpl* storage_of(const at::Tensor& tensor);

// How many operations two tapes have in common from the start, by name and shapes.
[[nodiscard]] std::size_t common_length(const Tape& a, const Tape& b);

// |a - b| in double; 0 where both are the same infinity or both NaN, infinity where one of them only is not finite.
// REQUIRES: the same shape.
[[nodiscard]] at::Tensor difference(const at::Tensor& a, const at::Tensor& b);
// The largest difference against the largest finite |a|, at least 1e-30.
[[nodiscard]] double relative_difference(const at::Tensor& a, const at::Tensor& b);
// True if an output of `a` differs from that of `b` by more than rounding (1e-6 of its size).
[[nodiscard]] bool differs(const TapedOp& a, const TapedOp& b);

}  // namespace sonde::preflights
