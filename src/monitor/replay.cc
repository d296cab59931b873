#include "monitor/replay.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

namespace sonde::monitor {

void Replay::keep(const probes::ModuleMap& modules) {
  const at::DisableRecordFunctionGuard unobserved;
  const at::NoGradGuard no_grad;
  buffers_.clear();
  for (std::size_t i = modules.parameter_count(); i < modules.parameters().size(); ++i)
    if (const auto impl = modules.parameters()[i].lock())
      buffers_.push_back({static_cast<int>(i), at::Tensor(impl).detach().clone()});
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  random_state_ = generator.get_state();
}

void Replay::put_back(const probes::ModuleMap& modules) const {
  const at::DisableRecordFunctionGuard unobserved;
  const at::NoGradGuard no_grad;
  for (const auto& buffer : buffers_)
    if (const auto impl = modules.parameters()[static_cast<std::size_t>(buffer.index)].lock())
      at::Tensor(impl).data().copy_(buffer.copy);
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(random_state_);
}

GradientsAside::GradientsAside(const probes::ModuleMap& modules) {
  for (std::size_t i = 0; i < modules.parameter_count(); ++i) {
    const auto impl = modules.parameters()[i].lock();
    if (!impl) continue;
    at::Tensor parameter(impl);
    kept_.emplace_back(parameter, parameter.grad());
    parameter.mutable_grad() = at::Tensor();
  }
}

GradientsAside::~GradientsAside() {
  for (auto& [parameter, gradient] : kept_) parameter.mutable_grad() = gradient;
}

}  // namespace sonde::monitor
