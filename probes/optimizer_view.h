// OptimizerView: what the optimizers are set to, read without touching their state.
//
// Holds no optimizer: each call gets those that are alive. Never reads state(), whose key type differs between versions
// of LibTorch. Not thread-safe.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

namespace torch::optim {
class Optimizer;
}

namespace sonde::probes {

struct OptimizerGroup {
  std::string type;          // "Adam"
  double learning_rate = 0;  // NaN if this kind of optimizer does not tell
  double momentum = 0;       // the first beta of Adam
  double weight_decay = 0;
  int optimizer = 0;  // index
};

struct OptimizerSettings {
  std::string type;      // "Adam"; several are joined by " + "
  bool closure = false;  // LBFGS: evaluates the loss several times a step
};

class OptimizerView {
 public:
  // Reads the groups anew. True if the set of parameters changed.
  bool rescan(const std::vector<torch::optim::Optimizer*>& optimizers);
  // Reads the learning rates only; cheap.
  void read_rates(const std::vector<torch::optim::Optimizer*>& optimizers);

  [[nodiscard]] const OptimizerSettings& settings() const { return settings_; }
  [[nodiscard]] bool holds(const at::TensorImpl* parameter) const { return group_of_.contains(parameter); }
  // The group of a parameter; null if no optimizer holds it.
  [[nodiscard]] const OptimizerGroup* group_of(const at::TensorImpl* parameter) const;
  [[nodiscard]] const std::vector<OptimizerGroup>& groups() const { return groups_; }
  [[nodiscard]] double first_rate() const { return groups_.empty() ? 0 : groups_[0].learning_rate; }
  // More than one optimizer: they may take turns.
  [[nodiscard]] bool several() const { return !groups_.empty() && groups_.back().optimizer > 0; }
  [[nodiscard]] bool all_rates_zero() const;
  // The rate in defaults() was changed since the first scan, while that of every group stayed.
  [[nodiscard]] bool defaults_edited(const std::vector<torch::optim::Optimizer*>& optimizers, double& in_defaults,
                                     double& in_groups) const;
  // Takes the gradients of all parameters away, so that step() passes over them.
  static void drop_gradients(const std::vector<torch::optim::Optimizer*>& optimizers);

  [[nodiscard]] std::size_t size() const { return group_of_.size(); }

 private:
  OptimizerSettings settings_;
  std::vector<OptimizerGroup> groups_;
  std::unordered_map<const at::TensorImpl*, int> group_of_;
  std::vector<double> first_defaults_;
  std::vector<double> first_rates_;
};

}  // namespace sonde::probes
