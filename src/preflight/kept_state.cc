#include "preflight/kept_state.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <set>
#include <unordered_set>

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "probes/torch_version.h"

namespace sonde::preflights {
namespace {

// The memory a strided tensor can reach, as a tensor of bytes that shares it; undefined if there is none.
at::Tensor memory_of(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || !tensor.has_storage() || tensor.numel() == 0 || tensor.is_meta()) return {};
  std::int64_t last = 0;
  for (std::int64_t d = 0; d < tensor.dim(); ++d) last += (tensor.size(d) - 1) * tensor.stride(d);
  const auto element = static_cast<std::int64_t>(tensor.element_size());
  auto bytes = at::empty({0}, at::TensorOptions().dtype(at::kByte).device(tensor.device()));
  bytes.set_(tensor.storage(), tensor.storage_offset() * element, {(last + 1) * element}, {1});
  return bytes;
}

bool same_memory(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.strides() == b.strides() &&
         a.storage_offset() == b.storage_offset() &&
         a.storage().unsafeGetStorageImpl() == b.storage().unsafeGetStorageImpl();
}

}  // namespace

KeptState::KeptState(const PreflightModel& model, const torch::optim::Optimizer& optimizer) {
  const at::DisableRecordFunctionGuard unobserved;
  const at::NoGradGuard no_grad;
  try {
    if (auto* module = model.module()) keep_module(*module, nullptr);
    for (const auto& [name, tensor] : model.tensors()) keep(tensor);
    for (const auto& group : optimizer.param_groups())
      for (const auto& parameter : group.params()) keep(parameter);
    keep_random();
  } catch (...) {
    put_back();
    throw;
  }
}

void KeptState::keep_module(torch::nn::Module& module, std::shared_ptr<torch::nn::Module> owner) {
  const bool known =
      std::any_of(modes_.begin(), modes_.end(), [&](const Mode& mode) { return mode.module == &module; });
  if (known) return;
  modes_.push_back({&module, std::move(owner), module.is_training()});
  for (const auto& tensor : module.parameters(/*recurse=*/false)) keep(tensor);
  for (const auto& tensor : module.buffers(/*recurse=*/false)) keep(tensor);
  for (const auto& child : module.children())
    if (child) keep_module(*child, child);
}

void KeptState::keep(const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  if (std::any_of(tensors_.begin(), tensors_.end(), [&](const Kept& kept) { return kept.tensor.is_same(tensor); }))
    return;
  Kept kept;
  kept.tensor = tensor;
  kept.requires_grad = tensor.requires_grad();
  kept.alias = tensor.variable_data();  // its own version counter
  kept.bytes = memory_of(kept.alias);
  if (kept.bytes.defined())
    kept.copy = kept.bytes.clone();
  else if (tensor.layout() != at::kStrided)
    trouble_ = "a parameter or buffer that is not strided is put back without its values";
  tensors_.push_back(std::move(kept));
  if (tensor.is_leaf()) keep_gradient(tensor);
}

void KeptState::keep_gradient(const at::Tensor& leaf) {
  gradients_.push_back({leaf, leaf.grad()});
  if (leaf.grad().defined()) leaf.mutable_grad() = at::Tensor();
}

void KeptState::keep_random() {
  std::set<std::pair<at::DeviceType, int>> devices = {{at::kCPU, -1}};
  for (const auto& kept : tensors_) devices.emplace(kept.tensor.device().type(), kept.tensor.device().index());
  for (const auto& [type, index] : devices) {
    try {
      if (type == at::kMeta || (type == at::kCPU && index != -1)) continue;
      auto generator = at::globalContext().defaultGenerator(at::Device(type, static_cast<at::DeviceIndex>(index)));
      const std::lock_guard lock(generator.mutex());
      auto state = generator.get_state();
      random_.push_back({std::move(generator), std::move(state)});
    } catch (const std::exception&) { trouble_ = "the random state of " + at::DeviceTypeName(type) + " is not known"; }
  }
}

void KeptState::keep_gradients_behind(const at::Tensor& loss) {
  std::unordered_set<const at::TensorImpl*> known;
  for (const auto& kept : gradients_) known.insert(kept.leaf.unsafeGetTensorImpl());
  std::unordered_set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> todo;
  if (loss.defined() && loss.grad_fn()) todo.push_back(loss.grad_fn().get());
  while (!todo.empty()) {
    auto* node = todo.back();
    todo.pop_back();
    if (!seen.insert(node).second) continue;
    if (const auto* leaf = probes::as_accumulator(node)) {
      if (known.insert(leaf->variable.unsafeGetTensorImpl()).second) keep_gradient(leaf->variable);
    }
    for (const auto& edge : node->next_edges())
      if (edge.function) todo.push_back(edge.function.get());
  }
}

void KeptState::put_back(const Kept& kept) {
  const at::DisableRecordFunctionGuard unobserved;
  const at::NoGradGuard no_grad;
  if (kept.tensor.layout() != at::kStrided) return;
  if (kept.tensor.requires_grad() != kept.requires_grad && kept.tensor.is_leaf())
    kept.tensor.set_requires_grad(kept.requires_grad);
  if (kept.tensor.has_storage() && !same_memory(kept.tensor, kept.alias)) kept.tensor.set_data(kept.alias);
  if (kept.bytes.defined()) at::Tensor(kept.bytes).copy_(kept.copy);
}

void KeptState::put_back_modes() {
  for (const auto& mode : modes_)
    if (mode.module->is_training() != mode.training) mode.module->train(mode.training);
}

void KeptState::begin_random() {
  for (auto& random : random_) {
    const std::lock_guard lock(random.generator.mutex());
    random.generator.set_state(random.state);
  }
}

void KeptState::begin() {
  for (const auto& kept : tensors_) put_back(kept);
  put_back_modes();
  begin_random();
  for (const auto& kept : gradients_) kept.leaf.mutable_grad() = at::Tensor();
}

void KeptState::put_back() noexcept {
  const auto safely = [this](const auto& act) {
    try {
      act();
    } catch (const std::exception& error) { trouble_ = error.what(); }
  };
  for (const auto& kept : gradients_) kept.leaf.mutable_grad() = kept.gradient;
  for (const auto& kept : tensors_) safely([&] { put_back(kept); });
  safely([this] { put_back_modes(); });
  safely([this] { begin_random(); });
}

}  // namespace sonde::preflights
