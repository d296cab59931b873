// KeptModel: what running a model changes, put back at the end: buffers (a batch norm in training mode) and random state.
#pragma once

#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "compare/subject.h"

namespace sonde::compare {

// The default generator of the CPU, put back at the end.
class RandomStateKept {
 public:
  RandomStateKept();
  ~RandomStateKept();
  RandomStateKept(const RandomStateKept&) = delete;
  RandomStateKept& operator=(const RandomStateKept&) = delete;

 private:
  at::Tensor state_;
};

class KeptModel {
 public:
  // From the same random state each time, if `seed` is the same.
  KeptModel(const Subject& subject, std::uint64_t seed);
  ~KeptModel();
  KeptModel(const KeptModel&) = delete;
  KeptModel& operator=(const KeptModel&) = delete;

 private:
  const RandomStateKept random_state_;
  std::vector<std::pair<at::Tensor, at::Tensor>> buffers_;  // and their copies
};

}  // namespace sonde::compare
