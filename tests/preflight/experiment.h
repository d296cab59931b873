// What the tests of experiments share.
#pragma once

#include <sonde/testing.h>

#include "monitor/training.h"

namespace sonde::tests {

inline PreflightOptions only(bool PreflightOptions::*experiment) {
  PreflightOptions options;
  options.*experiment = true;
  return options;
}

// Runs one experiment on `forward`, a function of the batch [16, 4] that gives [16, 1], and a squared error.
template <typename Model, typename Forward>
Report run(Model& model, const Forward& forward, bool PreflightOptions::*experiment, double rate = 0.05) {
  const Batch batch;
  torch::optim::SGD optimizer(model->parameters(), rate);
  return preflight(
      model, [&](const torch::Tensor& x) { return torch::mse_loss(forward(x), batch.y); }, batch.x, optimizer,
      only(experiment));
}

inline torch::nn::Sequential small_net() {
  torch::manual_seed(1);
  return torch::nn::Sequential(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 1));
}

// A gradient that points the other way.
struct Reversed : torch::autograd::Function<Reversed> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) { return x.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    return {-gradients[0]};
  }
};

}  // namespace sonde::tests
