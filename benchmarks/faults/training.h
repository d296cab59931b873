// Trains the program of a case: the loop of a user, with one place where a monitor may watch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <torch/torch.h>

#include "faults/case.h"

namespace sonde::faults {

// What watches a training. attach() is called once, before the loop; backward() in place of loss.backward().
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void attach(torch::nn::Module& model, torch::optim::Optimizer& optimizer) = 0;
  virtual void backward(const torch::Tensor& loss) = 0;
  virtual void finish() = 0;
};

// Nobody watches.
class Unwatched : public Watch {
 public:
  void attach(torch::nn::Module&, torch::optim::Optimizer&) override {}
  void backward(const torch::Tensor& loss) override { loss.backward(); }
  void finish() override {}
};

struct Outcome {
  std::int64_t steps = 0;
  double first_loss = 0, last_loss = 0;  // means over the first and the last epoch that was begun
  double score = 0;                      // accuracy over all data for classes, else the share of variance explained
  std::string stopped_by;                // what the program threw, empty if it ran through
};

// Runs the program with `seed` for LibTorch's random numbers (weights, order, dropout). Exceptions of the program are
// part of the outcome.
[[nodiscard]] Outcome train(const Program& program, std::uint64_t seed, const std::filesystem::path& digits,
                            Watch& watch);

}  // namespace sonde::faults
