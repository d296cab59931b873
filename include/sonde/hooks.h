// Forward and backward hooks for C++ modules, which LibTorch itself does not have (pytorch issues 25888, 25883).
//
// A hook is called on the training thread, at once, with the tensors themselves; it sees operations as they run, so no
// module has to be changed. Exceptions thrown by a hook reach the user: from forward hooks at the next backward() or
// check(), from backward hooks out of backward().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace sonde {

// Removes its hook when it dies or when remove() is called. A handle may outlive the monitor.
class [[nodiscard]] HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(std::function<void()> remove) : remove_(std::move(remove)) {}
  ~HookHandle() { remove(); }
  HookHandle(HookHandle&& other) noexcept : remove_(std::exchange(other.remove_, nullptr)) {}
  HookHandle& operator=(HookHandle&& other) noexcept {
    if (this != &other) {
      remove();
      remove_ = std::exchange(other.remove_, nullptr);
    }
    return *this;
  }
  HookHandle(const HookHandle&) = delete;
  HookHandle& operator=(const HookHandle&) = delete;

  void remove() {
    if (auto remove = std::exchange(remove_, nullptr)) remove();
  }

 private:
  std::function<void()> remove_;
};

// While any hook is registered, every step is observed for it. Thread-safety: use from the training thread only.
class Hooks {
 public:
  using Tensors = std::vector<at::Tensor>;
  using Forward = std::function<void(const std::string& path, const Tensors& inputs, const Tensors& outputs)>;
  using Backward = std::function<void(const std::string& path, const Tensors& grad_outputs)>;

  virtual ~Hooks() = default;

  // `path` names a layer of the module tree ("encoder.0"); a container's path stands for all layers below it, "" for
  // the whole model. The inputs and outputs are those of the layer's last operation that has parameters. Throws
  // std::invalid_argument if the model has no such path, or the module is no part of the model.
  [[nodiscard]] virtual HookHandle on_forward(const std::string& path, Forward hook) = 0;
  [[nodiscard]] virtual HookHandle on_forward(const torch::nn::Module& module, Forward hook) = 0;
  [[nodiscard]] virtual HookHandle on_backward(const std::string& path, Backward hook) = 0;
  [[nodiscard]] virtual HookHandle on_backward(const torch::nn::Module& module, Backward hook) = 0;
};

}  // namespace sonde
