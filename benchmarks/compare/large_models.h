// Models with the layers and shapes of three well-known image classifiers, with random weights.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <torch/torch.h>

namespace sonde::pairs {

// Modules one after the other; unlike torch::nn::Sequential it can be one of them itself.
class ChainImpl : public torch::nn::SequentialImpl {
 public:
  using SequentialImpl::SequentialImpl;
  at::Tensor forward(at::Tensor x) { return SequentialImpl::forward(std::move(x)); }
};
TORCH_MODULE(Chain);

// (batch, 3, size, size) to (batch, 1000).
class LargeModel : public torch::nn::Module {
 public:
  explicit LargeModel(Chain features, std::int64_t channels);
  at::Tensor forward(const at::Tensor& x);

 private:
  Chain features_{nullptr};
  torch::nn::Linear head_{nullptr};
};

struct LargeCase {
  std::int64_t size = 224;  // of the input
  std::function<std::shared_ptr<LargeModel>()> build;
  std::string layer;  // that the fault is in
  std::function<void(torch::nn::Module&)> fault;
};

// "inception_v3", "mobilenet_v2", "resnet101"; throws std::invalid_argument for others.
[[nodiscard]] LargeCase large_case(const std::string& name);

}  // namespace sonde::pairs
