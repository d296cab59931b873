// What a monitor recorded of a few training steps of a small program, made easy to ask about.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <torch/torch.h>

#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::attribution {

struct Seen {
  trace::Site site;
  Phase phase;
  std::uint64_t step;
  std::uint32_t position;
  std::uint8_t flags;
  trace::TensorStats stats;
};

struct Observation {
  std::vector<Seen> tensors;  // in the order recorded
  trace::Program program;

  // Outputs of operations on one step, without the tensors that came from outside.
  [[nodiscard]] std::vector<Seen> forward(std::uint64_t step) const;
  // Of these, the ones of `operation`; "a|b" stands for either, "" for any.
  [[nodiscard]] std::vector<Seen> forward(std::uint64_t step, std::string_view operation) const;
  // Those of any phase in which `keep` is interested.
  [[nodiscard]] std::vector<Seen> select(const std::function<bool(const Seen&)>& keep) const;
  // The operations of a step with their layers, for messages: "aten::addmm@first aten::relu(first)".
  [[nodiscard]] std::string text(std::uint64_t step) const;
};

[[nodiscard]] bool is_one_of(std::string_view name, std::string_view names);

using Step = std::function<at::Tensor()>;  // returns the loss

// Trains for `steps` steps with SGD, every one observed. `between` runs after each.
Observation observe(const std::shared_ptr<torch::nn::Module>& model, const Step& step, int steps = 2,
                    const std::function<void()>& between = nullptr);
// The same with an optimizer of the caller's choice.
Observation observe_with(torch::optim::Optimizer& optimizer, const std::shared_ptr<torch::nn::Module>& model,
                         const Step& step, int steps, const std::function<void()>& between = nullptr);

// A module of named children.
struct TreeImpl : torch::nn::Module {
  template <typename Child>
  Child add(const std::string& name, Child child) {
    return register_module(name, child);
  }
};
TORCH_MODULE(Tree);

// Standard normal numbers, the same every time for the same shape.
at::Tensor noise(at::IntArrayRef shape);

// Mean of squares, in double.
double mean_square(const at::Tensor& tensor);

}  // namespace sonde::attribution
