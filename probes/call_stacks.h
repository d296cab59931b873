// CallStacks: the user's frames behind each operation of a step, captured when an operation is first seen.
//
// Kept by the operation's place in the step, as long as the step came there by the same operations: two models that
// train in turns, or two branches, have call stacks of their own. Not thread-safe: belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "probes/op_log.h"

namespace sonde::probes {

class CallStacks {
 public:
  // The frames of `op`, which is to be the next of `segment`; its outputs are in there already. `fresh`: the stack is
  // captured anew. Must be called by the operation, somewhere below the user's code. Valid until the next call.
  std::span<const std::uintptr_t> of(const Operation& op, std::span<const Operand> operands, Segment& segment,
                                     bool fresh);
  // Forget all: the addresses of a model that is gone may be those of a new one.
  void clear() { known_.clear(); }

 private:
  struct Known {
    std::uint64_t path = 0;  // stands for the operations up to this one, their parameters and data flow
    std::array<std::uintptr_t, 12> frames{};
    std::uint8_t count = 0;
  };
  std::vector<Known> known_;
  std::uint64_t path_ = 0;
  std::uint64_t segment_ = ~std::uint64_t{0};  // base of the segment that path_ is in
};

}  // namespace sonde::probes
