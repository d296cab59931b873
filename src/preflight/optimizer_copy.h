// OptimizerCopy: an optimizer with the settings of another and without its state, for steps that are taken back.
//
// It writes to the parameters' memory past their version counters: graphs of the user's that are alive stay valid.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <torch/optim/optimizer.h>

namespace sonde::preflights {

class OptimizerCopy {
 public:
  explicit OptimizerCopy(const torch::optim::Optimizer& optimizer);

  // False if the kind is not one of LibTorch's: a class of the user's own is not taken for its base.
  [[nodiscard]] bool possible() const { return optimizer_ != nullptr; }
  // One step. `pass` computes a loss and its gradients; there are none when it is called, and it may be called again.
  void step(const std::function<at::Tensor()>& pass);

 private:
  template <typename Kind, typename Settings>
  bool copy_as(const torch::optim::Optimizer& optimizer);

  std::vector<torch::optim::OptimizerParamGroup> groups_;
  std::vector<std::pair<at::Tensor, at::Tensor>> parameters_;  // and another tensor of the same memory
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

// True if every group has a learning rate of 0 at the moment (a warm-up). False where it is not known.
[[nodiscard]] bool stands_still(const torch::optim::Optimizer& optimizer);

}  // namespace sonde::preflights
