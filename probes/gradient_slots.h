// GradientSlots: statistics of gradients on their way from the node that made them to the node they go to.
//
// Each input of a node is a slot. A gradient is recognised where it arrives by its TensorImpl and its version. Nothing is
// held, not even weakly: tensors that cannot be freed in the backward pass scatter the heap, and where they lie decides
// whether the allocator gives its memory back at each step (LSTM of two layers: 470 page faults a step and 30 % of its
// time). So an address might be used again between; it is not if a slot got one gradient only, which the engine holds until
// the node is run. Slots that got more are not trusted. Plain value; not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trace/record.h"

namespace sonde::probes {

class GradientSlots {
 public:
  void clear();  // no slots; keeps its memory
  // Adds slots and returns the number of the first.
  std::uint32_t add(std::uint32_t count);

  // `gradient` goes into `slot`, or one of which nothing is known.
  void put(std::uint32_t slot, const at::TensorImpl& gradient, const trace::TensorStats& stats);
  void put_unknown(std::uint32_t slot) { slots_[slot].mixed = true; }
  // `gradient` came out of `slot`, and the slot is empty again. True, and its statistics, if it is what was put in.
  bool take(std::uint32_t slot, const at::TensorImpl& gradient, trace::TensorStats& stats);

 private:
  struct Slot {
    const at::TensorImpl* gradient = nullptr;  // identity only
    std::uint32_t version = 0;
    std::uint32_t stats = 0;  // in stats_
    bool mixed = false;       // got more than one, or one that is not known
  };

  std::vector<Slot> slots_;
  // Few gradients are on their way at once: their statistics stay in the caches.
  std::vector<trace::TensorStats> stats_;
  std::vector<std::uint32_t> free_;  // of stats_
};

}  // namespace sonde::probes
