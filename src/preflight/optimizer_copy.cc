#include "preflight/optimizer_copy.h"

#include <algorithm>
#include <exception>
#include <typeinfo>

#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

namespace sonde::preflights {

template <typename Kind, typename Settings>
bool OptimizerCopy::copy_as(const torch::optim::Optimizer& optimizer) {
  if (typeid(optimizer) != typeid(Kind)) return false;
  optimizer_ = std::make_unique<Kind>(groups_, dynamic_cast<const Settings&>(optimizer.defaults()));
  return true;
}

OptimizerCopy::OptimizerCopy(const torch::optim::Optimizer& optimizer) : groups_(optimizer.param_groups()) {
  for (auto& group : groups_)
    for (auto& parameter : group.params()) {
      parameters_.emplace_back(parameter, parameter.variable_data());
      parameter = parameters_.back().second;
    }
  using namespace torch::optim;
  copy_as<SGD, SGDOptions>(optimizer) || copy_as<Adam, AdamOptions>(optimizer) ||
      copy_as<AdamW, AdamWOptions>(optimizer) || copy_as<RMSprop, RMSpropOptions>(optimizer) ||
      copy_as<Adagrad, AdagradOptions>(optimizer) || copy_as<LBFGS, LBFGSOptions>(optimizer);
}

void OptimizerCopy::step(const std::function<at::Tensor()>& pass) {
  optimizer_->step([&] {
    for (const auto& [parameter, twin] : parameters_) parameter.mutable_grad() = at::Tensor();
    auto loss = pass();
    for (const auto& [parameter, twin] : parameters_) twin.mutable_grad() = parameter.grad();
    return loss;
  });
}

bool stands_still(const torch::optim::Optimizer& optimizer) {
  const auto& groups = optimizer.param_groups();
  return std::all_of(groups.begin(), groups.end(), [](const torch::optim::OptimizerParamGroup& group) {
    try {
      return group.has_options() && group.options().get_lr() == 0;
    } catch (const std::exception&) { return false; }
  });
}

}  // namespace sonde::preflights
