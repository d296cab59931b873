#include "probes/module_map.h"

#include <algorithm>

#include <torch/nn/module.h>

#include "probes/op_table.h"
#include "probes/torch_version.h"

namespace sonde::probes {
namespace {

Parameter make_parameter(std::string name, std::string path, int layer, const at::Tensor& tensor, bool buffer) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.path = std::move(path);
  parameter.layer = layer;
  parameter.tensor = WeakTensor(tensor.getIntrusivePtr());
  parameter.identity = tensor.unsafeGetTensorImpl();
  parameter.requires_grad = tensor.requires_grad();
  parameter.buffer = buffer;
  return parameter;
}

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

struct Builder {
  std::vector<Layer>& layers;
  std::vector<Parameter>& parameters;
  std::vector<Parameter> buffers;

  int add(const torch::nn::Module& module, const std::string& path, int parent, int place) {
    const auto index = static_cast<int>(layers.size());
    Layer layer;
    layer.path = path;
    layer.type = short_module_type(module.name());
    layer.parent = parent;
    layer.place = place;
    layer.module = &module;
    layer.training = module.is_training();
    layers.push_back(std::move(layer));
    for (const auto& item : module.named_parameters(/*recurse=*/false))
      if (item.value().defined()) {
        layers[static_cast<std::size_t>(index)].has_parameters = true;
        parameters.push_back(make_parameter(item.key(), join(path, item.key()), index, item.value(), false));
      }
    for (const auto& item : module.named_buffers(/*recurse=*/false))
      if (item.value().defined())
        buffers.push_back(make_parameter(item.key(), join(path, item.key()), index, item.value(), true));
    int child_place = 0;
    for (const auto& child : module.named_children()) {
      const auto c = add(*child.value(), join(path, child.key()), index, child_place++);
      layers[static_cast<std::size_t>(index)].children.push_back(c);
    }
    return index;
  }
};

void collect(const torch::nn::Module& module, std::vector<const at::TensorImpl*>& found) {
  for (const auto& item : module.named_parameters(/*recurse=*/false))
    if (item.value().defined()) found.push_back(item.value().unsafeGetTensorImpl());
  for (const auto& child : module.named_children()) collect(*child.value(), found);
}

}  // namespace

void ModuleMap::rescan(const torch::nn::Module& module) {
  layers_.clear();
  parameters_.clear();
  Builder builder{layers_, parameters_, {}};
  builder.add(module, "", kNoLayer, 0);
  parameter_count_ = parameters_.size();
  std::move(builder.buffers.begin(), builder.buffers.end(), std::back_inserter(parameters_));
  refresh_storages();
}

void ModuleMap::rescan(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  layers_.clear();
  parameters_.clear();
  layers_.push_back({});
  for (const auto& [name, tensor] : tensors) {
    Layer layer;
    layer.path = name;
    layer.parent = 0;
    layer.place = static_cast<int>(layers_[0].children.size());
    layer.has_parameters = true;
    layers_[0].children.push_back(static_cast<int>(layers_.size()));
    parameters_.push_back(make_parameter("", name, static_cast<int>(layers_.size()), tensor, false));
    layers_.push_back(std::move(layer));
  }
  parameter_count_ = parameters_.size();
  refresh_storages();
}

void ModuleMap::read_modes(const torch::nn::Module& module) {
  std::vector<const torch::nn::Module*> walk;
  const auto visit = [&walk](const auto& self, const torch::nn::Module& at) -> void {
    walk.push_back(&at);
    for (const auto& child : at.named_children()) self(self, *child.value());
  };
  visit(visit, module);
  if (walk.size() != layers_.size()) return;
  for (std::size_t i = 0; i < walk.size(); ++i)
    if (walk[i] == layers_[i].module) layers_[i].training = walk[i]->is_training();
}

bool ModuleMap::differs(const torch::nn::Module& module) const {
  std::vector<const at::TensorImpl*> found;
  found.reserve(parameter_count_);
  collect(module, found);
  return !std::equal(found.begin(), found.end(), parameters_.begin(),
                     parameters_.begin() + static_cast<std::ptrdiff_t>(parameter_count_),
                     [](const at::TensorImpl* impl, const Parameter& p) { return impl == p.identity; });
}

void ModuleMap::refresh_storages() {
  by_storage_.clear();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& parameter = parameters_[i];
    const auto impl = parameter.lock();
    if (!impl || !impl->has_storage()) continue;
    parameter.requires_grad = impl->requires_grad();
    by_storage_[impl->storage().unsafeGetStorageImpl()].push_back(static_cast<int>(i));
  }
}

const std::vector<int>& ModuleMap::of_storage(const c10::StorageImpl* storage) const {
  static const std::vector<int> kNone;
  const auto it = by_storage_.find(storage);
  return it == by_storage_.end() ? kNone : it->second;
}

int ModuleMap::layer_of_path(const std::string& path) const {
  const auto it = std::find_if(layers_.begin(), layers_.end(), [&](const Layer& l) { return l.path == path; });
  return it == layers_.end() ? kNoLayer : static_cast<int>(it - layers_.begin());
}

int ModuleMap::layer_of_module(const torch::nn::Module& module) const {
  const auto it = std::find_if(layers_.begin(), layers_.end(), [&](const Layer& l) { return l.module == &module; });
  return it == layers_.end() ? kNoLayer : static_cast<int>(it - layers_.begin());
}

bool ModuleMap::is_within(int layer, int ancestor) const {
  for (; layer != kNoLayer; layer = layers_[static_cast<std::size_t>(layer)].parent)
    if (layer == ancestor) return true;
  return false;
}

int ModuleMap::next_in_tree(int layer) const {
  // The next sibling; after the last child, the next sibling of the container.
  while (layer != kNoLayer) {
    const auto& at = layers_[static_cast<std::size_t>(layer)];
    if (at.parent == kNoLayer) return kNoLayer;
    const auto& siblings = layers_[static_cast<std::size_t>(at.parent)].children;
    if (static_cast<std::size_t>(at.place) + 1 < siblings.size())
      return siblings[static_cast<std::size_t>(at.place) + 1];
    layer = at.parent;
  }
  return kNoLayer;
}

int ModuleMap::follower(int previous, const std::string& operation) const {
  int next = previous == kNoLayer ? (layers_.empty() || layers_[0].children.empty() ? kNoLayer : layers_[0].children[0])
                                  : next_in_tree(previous);
  // Modules that run no operation of their own (Identity, Dropout in some versions, a view) may stand in between.
  for (int skipped = 0; next != kNoLayer && skipped < 4; ++skipped) {
    const auto* layer = &layers_[static_cast<std::size_t>(next)];
    while (!layer->children.empty() && !layer->has_parameters) {
      next = layer->children.front();
      layer = &layers_[static_cast<std::size_t>(next)];
    }
    if (module_calls(layer->type, operation)) return layer->has_parameters ? kNoLayer : next;
    if (layer->type != "Identity" && layer->type != "Flatten" && layer->type != "Unflatten") return kNoLayer;
    next = next_in_tree(next);
  }
  return kNoLayer;
}

}  // namespace sonde::probes
