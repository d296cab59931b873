// Replay: what a forward pass changes besides the graph, kept so that a bad step can be run again: the CPU's random
// state and the model's buffers.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "probes/module_map.h"

namespace sonde::monitor {

class Replay {
 public:
  // Takes a copy of the state as it is. Reuses its memory.
  void keep(const probes::ModuleMap& modules);
  // Puts it back. Memory is written directly: version counters, which autograd checks, do not change.
  void put_back(const probes::ModuleMap& modules) const;

 private:
  struct Buffer {
    int index = 0;
    at::Tensor copy;
  };
  std::vector<Buffer> buffers_;
  at::Tensor random_state_;
};

// The gradients of all parameters, set aside while a step is run again and put back when this dies.
class GradientsAside {
 public:
  explicit GradientsAside(const probes::ModuleMap& modules);
  ~GradientsAside();
  GradientsAside(const GradientsAside&) = delete;
  GradientsAside& operator=(const GradientsAside&) = delete;

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;  // parameter, its gradient
};

}  // namespace sonde::monitor
