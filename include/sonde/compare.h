// Where a converted or ported model goes wrong: two models, the same inputs.
//
//   auto reference = sonde::compare::load_reference("resnet.pt");
//   auto result = sonde::compare::run(reference, *net, {images});
//   result.print();
//   auto repaired = sonde::compare::repair(reference, *net, result);
//
// Both models are run without gradients, each on a copy of the inputs; parameters, buffers, modes and the random state
// are afterwards as they were. Nothing is thrown for a difference; see Result. Not thread-safe for one model.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <sonde/comparison.h>

namespace torch::nn {
class Module;
}
namespace torch::jit {
struct Module;
}

namespace sonde::compare {

class Subject;  // src/compare/subject.h

// A file that is no model, an input that the model does not take, a model that throws: what() names which and why.
class CompareError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Inputs = std::vector<at::Tensor>;  // the arguments of one forward call
using Forward = std::function<c10::IValue(const Inputs&)>;

// One of the two sides. A handle: copies share what they refer to.
class Model {
 public:
  explicit Model(std::shared_ptr<Subject> subject) : subject_(std::move(subject)) {}
  [[nodiscard]] Subject& subject() const noexcept { return *subject_; }

 private:
  std::shared_ptr<Subject> subject_;
};

// A C++ module, in the mode in which it is. The module stays the caller's, and must outlive the handle.
[[nodiscard]] Model of(torch::nn::Module& module, Forward forward, std::string name = "model");
// The same for a module whose forward() takes one to four tensors.
template <typename M>
requires std::is_base_of_v<torch::nn::Module, M>
[[nodiscard]] Model of(M& module, std::string name = "model") {
  return of(
      module,
      [&module](const Inputs& x) -> c10::IValue {
        if constexpr (requires { module.forward(x[0]); }) {
          return module.forward(x[0]);
        } else if constexpr (requires { module.forward(x[0], x[1]); }) {
          return module.forward(x[0], x[1]);
        } else if constexpr (requires { module.forward(x[0], x[1], x[2]); }) {
          return module.forward(x[0], x[1], x[2]);
        } else {
          return module.forward(x[0], x[1], x[2], x[3]);
        }
      },
      std::move(name));
}
[[nodiscard]] Model of(torch::jit::Module module, std::string name = "model");

// By what the file is: TorchScript (.pt, .pth, .ts), ONNX (.onnx), or dumped activations: a .npz or .safetensors file, or a
// folder of .npy files, one array an activation, in the order in which they were made where the names tell.
// Throws CompareError.
[[nodiscard]] Model load_reference(const std::string& path);

struct Options {
  // An operation is at fault where its error is more than so many times what rounding explains.
  double times_floor = 20;
  // The same for a target in half or bfloat16, where the floor is that of the reference in that precision.
  double times_floor_reduced = 5;
  bool try_repairs = true;
  void validate() const;  // throws std::invalid_argument
};

// Compares on one batch, or on several. Throws CompareError if a model cannot be run on them.
[[nodiscard]] Result run(const Model& reference, const Model& target, const std::vector<Inputs>& batches,
                         const Options& options = {});
[[nodiscard]] inline Result run(const Model& reference, const Model& target, const Inputs& inputs,
                                const Options& options = {}) {
  return run(reference, target, std::vector<Inputs>{inputs}, options);
}
template <typename M>
requires std::is_base_of_v<torch::nn::Module, M>
[[nodiscard]] Result run(const Model& reference, M& target, const Inputs& inputs, const Options& options = {}) {
  return run(reference, of(target), std::vector<Inputs>{inputs}, options);
}

// For models that do not fit into memory together: each is loaded, looked at and let go, twice. What is kept in between
// are sketches (4096 elements of each activation and parameter), in the second pass the exact tensors of at most 64
// operations that differ. Finds what run() finds, on one batch, but for differences that no sketch shows (a few elements
// of a large parameter that change the output by less than its rounding) and repairs of parameters.
using Loader = std::function<Model()>;
[[nodiscard]] Result run_one_at_a_time(const Loader& reference, const Loader& target, const Inputs& inputs,
                                       const Options& options = {});

// A conversion in several steps (a model, its export, the optimised export ...): each stage against the one before it.
struct ChainResult {
  std::vector<Result> steps;      // steps[i] compares stage i + 1 with stage i
  std::int64_t first_wrong = -1;  // the first step with a visible fault, -1 if there is none
};
// Throws CompareError if there are fewer than two stages, or one cannot be run.
[[nodiscard]] ChainResult chain(const std::vector<Model>& stages, const std::vector<Inputs>& batches,
                                const Options& options = {});

// Applies the accepted repairs of `result` to the target: parameters and buffers are overwritten, options of LibTorch's
// standard modules set. What cannot be applied (an operation that is missing, an argument written in the program) is left.
struct Repaired {
  std::vector<std::string> applied;  // one sentence or name each
  std::vector<std::string> left;
};
Repaired repair(const Model& target, const Result& result);
template <typename M>
requires std::is_base_of_v<torch::nn::Module, M> Repaired repair(M& target, const Result& result) {
  return repair(of(target), result);
}
// The same; the repairs of `result` already hold what is needed of the reference.
template <typename M>
Repaired repair(const Model& /*reference*/, M& target, const Result& result) {
  return repair(target, result);
}

}  // namespace sonde::compare
