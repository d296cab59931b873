// One layer of a case as LibTorch has it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <torch/torch.h>

#include "faults/case.h"

namespace sonde::faults {

// What a program holds of a layer. `module` is null for layers that are called as functions.
struct Layer {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const torch::Tensor&)> call;
};

// The layer, its parameters initialised as the case says. `training` tells functional dropout of the model's mode.
[[nodiscard]] Layer make_layer(const LayerSpec& spec, const std::function<bool()>& training);

}  // namespace sonde::faults
