#include "probes/optimizer_view.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <typeinfo>

#include <c10/util/Type.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include "probes/op_table.h"

namespace sonde::probes {
namespace {

double rate_of(const torch::optim::OptimizerOptions& options) {
  try {
    return options.get_lr();
  } catch (const std::exception&) {
    return std::numeric_limits<double>::quiet_NaN();  // a user's own options without get_lr()
  }
}

double group_rate(const torch::optim::OptimizerParamGroup& group, const torch::optim::Optimizer& optimizer) {
  return rate_of(group.has_options() ? group.options() : optimizer.defaults());
}

void read_settings(const torch::optim::OptimizerOptions& options, OptimizerGroup& settings) {
  if (const auto* sgd = dynamic_cast<const torch::optim::SGDOptions*>(&options)) {
    settings.momentum = sgd->momentum();
    settings.weight_decay = sgd->weight_decay();
  } else if (const auto* adam = dynamic_cast<const torch::optim::AdamOptions*>(&options)) {
    settings.momentum = std::get<0>(adam->betas());
    settings.weight_decay = adam->weight_decay();
  } else if (const auto* adamw = dynamic_cast<const torch::optim::AdamWOptions*>(&options)) {
    settings.momentum = std::get<0>(adamw->betas());
    settings.weight_decay = adamw->weight_decay();
  } else if (const auto* rmsprop = dynamic_cast<const torch::optim::RMSpropOptions*>(&options)) {
    settings.momentum = rmsprop->momentum();
    settings.weight_decay = rmsprop->weight_decay();
  } else if (const auto* adagrad = dynamic_cast<const torch::optim::AdagradOptions*>(&options)) {
    settings.weight_decay = adagrad->weight_decay();
  }
}

}  // namespace

bool OptimizerView::rescan(const std::vector<torch::optim::Optimizer*>& optimizers) {
  std::unordered_map<const at::TensorImpl*, int> held;
  groups_.clear();
  settings_ = {};
  for (std::size_t i = 0; i < optimizers.size(); ++i) {
    auto& optimizer = *optimizers[i];
    const auto type = std::string(short_module_type(c10::demangle(typeid(optimizer).name())));
    if (settings_.type.find(type) == std::string::npos) settings_.type += (settings_.type.empty() ? "" : " + ") + type;
    settings_.closure = settings_.closure || dynamic_cast<const torch::optim::LBFGS*>(&optimizer) != nullptr;
    for (const auto& group : optimizer.param_groups()) {
      for (const auto& parameter : group.params())
        if (parameter.defined()) held.emplace(parameter.unsafeGetTensorImpl(), static_cast<int>(groups_.size()));
      groups_.push_back({type, group_rate(group, optimizer), 0, 0, static_cast<int>(i)});
      read_settings(group.has_options() ? group.options() : optimizer.defaults(), groups_.back());
    }
  }
  const bool changed = held != group_of_;
  group_of_ = std::move(held);
  if (first_defaults_.size() != optimizers.size() || changed) {
    first_defaults_.clear();
    for (auto* optimizer : optimizers) first_defaults_.push_back(rate_of(optimizer->defaults()));
    first_rates_.clear();
    for (const auto& group : groups_) first_rates_.push_back(group.learning_rate);
  }
  return changed;
}

void OptimizerView::read_rates(const std::vector<torch::optim::Optimizer*>& optimizers) {
  std::size_t g = 0;
  for (auto* optimizer : optimizers)
    for (const auto& group : optimizer->param_groups())
      if (g < groups_.size()) {
        // One that does not tell is not asked again: asking throws.
        if (!std::isnan(groups_[g].learning_rate)) groups_[g].learning_rate = group_rate(group, *optimizer);
        ++g;
      }
}

const OptimizerGroup* OptimizerView::group_of(const at::TensorImpl* parameter) const {
  const auto it = group_of_.find(parameter);
  return it == group_of_.end() ? nullptr : &groups_[static_cast<std::size_t>(it->second)];
}

bool OptimizerView::all_rates_zero() const {
  return !groups_.empty() &&
         std::all_of(groups_.begin(), groups_.end(), [](const OptimizerGroup& g) { return g.learning_rate == 0; });
}

bool OptimizerView::defaults_edited(const std::vector<torch::optim::Optimizer*>& optimizers, double& in_defaults,
                                    double& in_groups) const {
  if (optimizers.size() != first_defaults_.size() || groups_.size() != first_rates_.size()) return false;
  for (std::size_t g = 0; g < groups_.size(); ++g)
    if (groups_[g].learning_rate != first_rates_[g]) return false;
  for (std::size_t i = 0; i < optimizers.size(); ++i) {
    if (std::isnan(first_defaults_[i])) continue;
    in_defaults = rate_of(optimizers[i]->defaults());
    in_groups = first_rate();
    if (in_defaults != first_defaults_[i] && in_defaults != in_groups) return true;
  }
  return false;
}

void OptimizerView::drop_gradients(const std::vector<torch::optim::Optimizer*>& optimizers) {
  for (auto* optimizer : optimizers)
    for (auto& group : optimizer->param_groups())
      for (auto& parameter : group.params())
        if (parameter.defined() && parameter.grad().defined()) parameter.mutable_grad() = at::Tensor();
}

}  // namespace sonde::probes
