#include "monitor/hook_registry.h"

#include <algorithm>
#include <stdexcept>

#include <ATen/record_function.h>

namespace sonde::monitor {
namespace {

template <typename Each>
void for_each_tensor(std::span<const c10::IValue> values, const Each& each) {
  for (const auto& value : values) {
    if (value.isTensor()) {
      if (value.toTensor().defined()) each(value.toTensor());
    } else if (value.isList()) {
      for (const auto& element : value.toListRef())
        if (element.isTensor() && element.toTensor().defined()) each(element.toTensor());
    }
  }
}

const c10::StorageImpl* storage_of(const at::Tensor& tensor) {
  return tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
}

}  // namespace

HookHandle HookRegistry::add(Entry entry) {
  if (modules_.layer_of_path(entry.path) == probes::kNoLayer)
    throw std::invalid_argument("sonde: hook on \"" + entry.path +
                                "\": the model has no such layer; paths are those of named_modules()");
  if (!entry.forward && !entry.backward)
    throw std::invalid_argument("sonde: hook on \"" + entry.path + "\": the function is empty");
  const auto id = entry.id = next_id_++;
  entries_->push_back(std::make_shared<const Entry>(std::move(entry)));
  changed_();
  return HookHandle([id, weak = std::weak_ptr<Entries>(entries_)] {
    if (const auto entries = weak.lock()) std::erase_if(*entries, [id](const auto& e) { return e->id == id; });
  });
}

const std::string& HookRegistry::path_of(const torch::nn::Module& module) const {
  const int layer = modules_.layer_of_module(module);
  if (layer == probes::kNoLayer)
    throw std::invalid_argument("sonde: hook on a module that is no part of the monitored model");
  return modules_.layers()[static_cast<std::size_t>(layer)].path;
}

HookHandle HookRegistry::on_forward(const std::string& path, Forward hook) {
  return add({0, path, std::move(hook), nullptr});
}
HookHandle HookRegistry::on_backward(const std::string& path, Backward hook) {
  return add({0, path, nullptr, std::move(hook)});
}
HookHandle HookRegistry::on_forward(const torch::nn::Module& module, Forward hook) {
  return on_forward(path_of(module), std::move(hook));
}
HookHandle HookRegistry::on_backward(const torch::nn::Module& module, Backward hook) {
  return on_backward(path_of(module), std::move(hook));
}

bool HookRegistry::any_forward() const {
  return std::any_of(entries_->begin(), entries_->end(), [](const auto& e) { return static_cast<bool>(e->forward); });
}
bool HookRegistry::any_backward() const {
  return std::any_of(entries_->begin(), entries_->end(), [](const auto& e) { return static_cast<bool>(e->backward); });
}

template <typename Call>
void HookRegistry::call(int layer, const Call& call) {
  const Entries hooks = *entries_;  // a hook may remove itself
  for (const auto& entry : hooks) {
    const int ancestor = modules_.layer_of_path(entry->path);
    if (ancestor == probes::kNoLayer || !modules_.is_within(layer, ancestor)) continue;
    try {
      const at::DisableRecordFunctionGuard unobserved;  // what a hook computes is not the model's
      call(*entry, modules_.layers()[static_cast<std::size_t>(layer)].path);
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
  }
}

void HookRegistry::before(const probes::OpInfo& info, std::span<const c10::IValue> inputs) {
  in_call_ = false;
  int owner = probes::kNoLayer;
  bool takes_output = false;
  Tensors data;
  for_each_tensor(inputs, [&](const at::Tensor& tensor) {
    const auto& parameters = modules_.of_storage(storage_of(tensor));
    if (parameters.empty()) {
      data.push_back(tensor);
      takes_output = takes_output || std::any_of(outputs_.begin(), outputs_.end(),
                                                 [&](const at::Tensor& o) { return o.is_same(tensor); });
    } else if (owner == probes::kNoLayer) {
      owner = modules_.parameters()[static_cast<std::size_t>(parameters[0])].layer;
    }
  });
  const bool of_layer = owner != probes::kNoLayer && !data.empty();  // not a view of a weight
  if (layer_ != probes::kNoLayer && (of_layer ? owner != layer_ || !takes_output : takes_output)) flush();
  if (!of_layer || info.traits.op_class == trace::OpClass::view) return;
  if (layer_ == probes::kNoLayer) {
    layer_ = owner;
    inputs_ = std::move(data);
  }
  in_call_ = true;
}

void HookRegistry::after(std::span<const c10::IValue> outputs) {
  if (!std::exchange(in_call_, false)) return;
  outputs_.clear();
  for_each_tensor(outputs, [&](const at::Tensor& tensor) { outputs_.push_back(tensor); });
}

void HookRegistry::call_forward() {
  const int layer = std::exchange(layer_, probes::kNoLayer);
  const auto inputs = std::exchange(inputs_, {});
  const auto outputs = std::exchange(outputs_, {});
  if (outputs.empty()) return;
  call(layer, [&](const Entry& entry, const std::string& path) {
    if (entry.forward) entry.forward(path, inputs, outputs);
  });
}

void HookRegistry::gradients(int layer, const std::vector<at::Tensor>& gradients) {
  if (layer == probes::kNoLayer) return;
  call(layer, [&](const Entry& entry, const std::string& path) {
    if (entry.backward) entry.backward(path, gradients);
  });
}

}  // namespace sonde::monitor
