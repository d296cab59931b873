// A program with a known origin of a non-finite value, and the macros that mark the guilty line in it.
//
// A case trains healthily for a few steps; then the loss is asked for with `bad` set, and one operation, node, weight or
// input of the program gives the first NaN or infinity that does harm. Whatever line holds ORIGIN(...) is the right
// answer; there may be several where several are right.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sonde/finding.h>
#include <torch/torch.h>

namespace sonde::origins {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

// Remembers that this line of this file is a right answer.
void mark_origin(const char* file, int line);
// Those remembered since the last call.
std::vector<SourceLine> take_marked_lines();

#define ORIGIN(expression) (::sonde::origins::mark_origin(__FILE__, __LINE__), expression)

struct Program {
  std::shared_ptr<torch::nn::Module> model;
  std::function<at::Tensor(bool bad)> loss;
  // Losses of one step, each computed and propagated after the other, in place of `loss`.
  std::vector<std::function<at::Tensor(bool bad)>> losses = {};
  double learning_rate = 0.01;
};

struct Case {
  const char* name;
  // Any of these is right. "~text" stands for every operation whose name contains `text`. Empty: any, for tensors that
  // were not finite before an operation used them.
  std::vector<std::string> operations;
  std::function<Program()> make;
  std::string layer = {};  // the layer that must be named; empty: not judged
  // The phase, if it does not follow from the operation (forward or loss for operations, backward for nodes).
  std::optional<Phase> phase = std::nullopt;
  // Steps of training that reach the fault by themselves, in place of `bad`: a net that diverges.
  int free_steps = 0;
};

// A healthy program that has NaN or infinities in places where they do no harm.
struct Harmless {
  const char* name;
  std::function<Program()> make;
};

std::vector<Case> forward_cases();
std::vector<Case> more_forward_cases();
std::vector<Case> backward_cases();
std::vector<Case> layer_cases();
std::vector<Harmless> harmless_programs();

// The nets most cases share: data of fixed seed, two linear layers, outputs of shape (8, 4).
struct NetImpl : torch::nn::Module {
  torch::nn::Linear first{nullptr}, last{nullptr};
  NetImpl();
  at::Tensor forward(const at::Tensor& x);
};
TORCH_MODULE(Net);

at::Tensor batch();                      // (8, 6), standard normal, the same every time
at::Tensor classes(std::int64_t count);  // (8), 0 .. count - 1

// A program around a Net: `loss` maps its output (8, 4) to a scalar.
Program around_net(std::function<at::Tensor(const at::Tensor& y, bool bad)> loss);

}  // namespace sonde::origins
