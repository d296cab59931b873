// Subject: a model as a comparison sees it: stored tensors by name, and something that can be run.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <sonde/compare.h>

namespace torch::nn {
class Module;
}

namespace sonde::compare {

struct StoredTensor {
  std::string name;   // "layer1.0.bn.running_mean", as the model names it
  at::Tensor tensor;  // shares the model's memory
  bool buffer = false;
};

// A tensor that somebody dumped while the reference ran.
struct DumpedTensor {
  std::string name;
  at::Tensor tensor;
};

class Subject {
 public:
  explicit Subject(std::string name) : name_(std::move(name)) {}
  virtual ~Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Parameters and buffers in the order of the model.
  [[nodiscard]] virtual std::vector<StoredTensor> stored() const = 0;

  // Whether run() can be called; dumps cannot be run.
  [[nodiscard]] virtual bool runs() const { return true; }
  // The outputs on `inputs`, through LibTorch's operators on the calling thread. May throw anything.
  [[nodiscard]] virtual c10::IValue run(const Inputs& inputs) = 0;

  // Empty but for dumps.
  [[nodiscard]] virtual std::vector<DumpedTensor> dumps() const { return {}; }

  // The C++ module, whose options a repair may set; null for the others.
  [[nodiscard]] virtual torch::nn::Module* module() const { return nullptr; }

 private:
  const std::string name_;
};

}  // namespace sonde::compare
