#include "compare/kept_model.h"

#include <mutex>

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

namespace sonde::compare {

RandomStateKept::RandomStateKept() {
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  state_ = generator.get_state();
}

RandomStateKept::~RandomStateKept() {
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state_);
}

KeptModel::KeptModel(const Subject& subject, std::uint64_t seed) {
  const at::NoGradGuard no_grad;
  for (const StoredTensor& stored : subject.stored())
    if (stored.buffer) buffers_.emplace_back(stored.tensor, stored.tensor.detach().clone());
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(seed);
}

KeptModel::~KeptModel() {
  const at::NoGradGuard no_grad;
  for (const auto& [buffer, copy] : buffers_) at::Tensor(buffer).detach().copy_(copy);
}

}  // namespace sonde::compare
