#include "faults/network.h"

#include <algorithm>

namespace sonde::faults {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

ResidualImpl::ResidualImpl(const std::vector<LayerSpec>& body) {
  for (const LayerSpec& spec : body) {
    layers_.push_back(make_layer(spec, [this] { return is_training(); }));
    if (layers_.back().module) register_module(spec.name, layers_.back().module);
  }
}

torch::Tensor ResidualImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = x;
  for (Layer& layer : layers_) y = layer.call(y);
  return x + y;
}

NetworkImpl::NetworkImpl(const std::vector<LayerSpec>& layers, const std::vector<std::string>& unregistered,
                         std::optional<std::string> detach_after)
    : detach_after_(std::move(detach_after)) {
  for (const LayerSpec& spec : layers) {
    layers_.push_back(make_layer(spec, [this] { return is_training(); }));
    if (layers_.back().module && !contains(unregistered, spec.name)) {
      register_module(spec.name, layers_.back().module);
    }
  }
}

torch::Tensor NetworkImpl::forward(torch::Tensor x) {
  for (Layer& layer : layers_) {
    x = layer.call(x);
    if (layer.name == detach_after_) x = x.detach();
  }
  return x;
}

std::vector<torch::Tensor> NetworkImpl::parameters_of(const std::vector<std::string>& names) const {
  std::vector<torch::Tensor> parameters;
  for (const Layer& layer : layers_) {
    if (!layer.module || !contains(names, layer.name)) continue;
    for (const torch::Tensor& parameter : layer.module->parameters()) parameters.push_back(parameter);
  }
  return parameters;
}

}  // namespace sonde::faults
