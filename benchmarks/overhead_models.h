// The models whose steps the overhead is measured on, each with data it can learn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

namespace sonde::benchmarks {

// A model that can show what its layers put out, for those who look at it from outside.
class Model : public torch::nn::Module {
 public:
  virtual at::Tensor forward(at::Tensor x) = 0;

  // Where the outputs of the layers go, null: nowhere.
  void collect_in(std::vector<at::Tensor>* outputs) { outputs_ = outputs; }

 protected:
  at::Tensor seen(at::Tensor x) {
    if (outputs_) outputs_->push_back(x);
    return x;
  }

 private:
  std::vector<at::Tensor>* outputs_ = nullptr;
};

struct Batch {
  at::Tensor input;
  at::Tensor labels;  // of ten classes
};

struct Workload {
  std::string key;  // "a" to "f"
  std::string name;
  std::function<std::shared_ptr<Model>()> make;
  std::vector<std::int64_t> input_shape;  // batch first
  double learning_rate = 1e-3;
};

[[nodiscard]] std::vector<Workload> workloads();

// `count` batches of normal inputs, labelled by a random linear map of the input: something to learn. Always the same.
[[nodiscard]] std::vector<Batch> make_batches(const Workload& workload, int count);

}  // namespace sonde::benchmarks
