// KeptState: everything of a program that a step can change and training would notice, kept to be put back bit for bit.
//
// Memory is kept as bytes, whatever the dtype, and written back without a change of version counters, which autograd
// checks. Gradients are set aside instead of being copied: nothing writes to them meanwhile. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <sonde/preflight.h>

namespace sonde::preflights {

class KeptState {
 public:
  // REQUIRES: the module or the tensors of `model` are alive.
  KeptState(const PreflightModel& model, const torch::optim::Optimizer& optimizer);
  ~KeptState() { put_back(); }
  KeptState(const KeptState&) = delete;
  KeptState& operator=(const KeptState&) = delete;

  // All as it was, but for gradients: there are none. To be called before each run of the program.
  void begin();
  void begin_random();
  // The backward pass of `loss` would write into the gradients of leaves that are not of the model: keep them, too.
  void keep_gradients_behind(const at::Tensor& loss);
  // All as it was.
  void put_back() noexcept;

  // What keeping or putting back could not do, empty if nothing.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  struct Kept {
    at::Tensor tensor;
    at::Tensor alias;  // memory, shape and dtype of `tensor` as they were
    at::Tensor bytes;  // the memory as bytes; undefined if it has none
    at::Tensor copy;   // of `bytes`
    bool requires_grad = false;
  };
  struct Gradient {
    at::Tensor leaf;
    at::Tensor gradient;
  };
  struct Random {
    at::Generator generator;
    at::Tensor state;
  };
  struct Mode {
    torch::nn::Module* module;
    std::shared_ptr<torch::nn::Module> owner;  // null for the root
    bool training;
  };

  void keep(const at::Tensor& tensor);
  void keep_gradient(const at::Tensor& leaf);
  void keep_module(torch::nn::Module& module, std::shared_ptr<torch::nn::Module> owner);
  void keep_random();
  static void put_back(const Kept& kept);
  void put_back_modes();

  std::vector<Kept> tensors_;
  std::vector<Gradient> gradients_;
  std::vector<Random> random_;
  std::vector<Mode> modes_;  // parents before children
  std::string trouble_;
};

}  // namespace sonde::preflights
