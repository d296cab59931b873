// The model of a case: a module tree like the one a user would write, layer names and all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "faults/case.h"
#include "faults/layers.h"

namespace sonde::faults {

// x + body(x), the body's layers being children of this one.
class ResidualImpl : public torch::nn::Module {
 public:
  explicit ResidualImpl(const std::vector<LayerSpec>& body);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::vector<Layer> layers_;
};
TORCH_MODULE(Residual);

class NetworkImpl : public torch::nn::Module {
 public:
  // Layers in `unregistered` are held as plain members: they run, but the tree does not know them. After the layer
  // `detach_after` the graph is cut.
  NetworkImpl(const std::vector<LayerSpec>& layers, const std::vector<std::string>& unregistered,
              std::optional<std::string> detach_after);

  torch::Tensor forward(torch::Tensor x);

  // Parameters of the named layers, registered or not.
  [[nodiscard]] std::vector<torch::Tensor> parameters_of(const std::vector<std::string>& names) const;

 private:
  std::vector<Layer> layers_;
  std::optional<std::string> detach_after_;
};
TORCH_MODULE(Network);

}  // namespace sonde::faults
