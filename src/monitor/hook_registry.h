// HookRegistry: the users' hooks on layers, called from the op observer and from the backward pass.
//
// A layer's call begins with the first operation that uses its parameters and ends when another operation takes its
// output or another layer begins; the hook then gets the inputs of the first operation and the outputs of the last.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>
#include <sonde/hooks.h>

#include "probes/module_map.h"
#include "probes/op_log.h"

namespace sonde::monitor {

class HookRegistry final : public Hooks {
 public:
  // `changed` is called after hooks were added.
  HookRegistry(const probes::ModuleMap& modules, std::function<void()> changed)
      : modules_(modules), changed_(std::move(changed)), entries_(std::make_shared<Entries>()) {}

  [[nodiscard]] HookHandle on_forward(const std::string& path, Forward hook) override;
  [[nodiscard]] HookHandle on_forward(const torch::nn::Module& module, Forward hook) override;
  [[nodiscard]] HookHandle on_backward(const std::string& path, Backward hook) override;
  [[nodiscard]] HookHandle on_backward(const torch::nn::Module& module, Backward hook) override;

  [[nodiscard]] bool any_forward() const;
  [[nodiscard]] bool any_backward() const;

  // From the observer's callbacks.
  void before(const probes::OpInfo& info, std::span<const c10::IValue> inputs);
  void after(std::span<const c10::IValue> outputs);
  // The forward pass is over.
  void flush() {
    if (layer_ != probes::kNoLayer) call_forward();
  }
  void gradients(int layer, const std::vector<at::Tensor>& gradients);

  // Throws what a hook has thrown, once.
  void rethrow() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  struct Entry {
    std::uint64_t id = 0;
    std::string path;
    Forward forward;
    Backward backward;
  };
  using Entries = std::vector<std::shared_ptr<const Entry>>;

  HookHandle add(Entry entry);
  void call_forward();
  const std::string& path_of(const torch::nn::Module& module) const;
  template <typename Call>
  void call(int layer, const Call& call);

  const probes::ModuleMap& modules_;
  const std::function<void()> changed_;
  std::shared_ptr<Entries> entries_;  // handles hold it weakly
  std::uint64_t next_id_ = 0;

  int layer_ = probes::kNoLayer;  // whose call is under way
  bool in_call_ = false;          // the running operation belongs to it
  Tensors inputs_;
  Tensors outputs_;
  std::exception_ptr error_;
};

}  // namespace sonde::monitor
