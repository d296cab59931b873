// Sentinel: the few numbers that are looked at on every step, however closely it is watched otherwise.
//
// A step of a small network evicts all of ours from the caches, so a look costs what lines and pages it touches, not what
// it computes. Hence weak references side by side, and no calls where a look is brisk. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "probes/measure_tensor.h"
#include "probes/module_map.h"

namespace sonde::probes {

enum class Answer : std::uint8_t { no, yes, unknown };

struct Between {  // what happened since the last backward pass
  Answer weights_changed = Answer::unknown;
  Answer gradients_cleared = Answer::unknown;
};

class Sentinel {
 public:
  // Elements of the largest gradient that is read whole on every step: on the CPU kFewElements, on a device these.
  static constexpr std::int64_t kSmallOnDevice = 4096;

  // Biases and the parameters of norms are small, and a NaN in the backward pass of their layer reaches them; where the
  // first layer has none, one of its weights stands for the end of the backward pass, which every NaN flows to.
  void watch_gradients(const ModuleMap& modules);
  // The parameter that glance() asks, as it is now: one that was trained when last looked at.
  void watch_weight(const Parameter& parameter);
  void watch_no_weight() { weight_points_ = 0; }

  // The element of a loss, if it is of the kind nearly all are: dense floats on the CPU.
  [[nodiscard]] static std::optional<float> value_of(const at::TensorImpl& loss);
  // Before a backward pass: what happened since the last one; unknown if no weight is watched. REQUIRES: note_gradient()
  // after that one, or the two of a brisk step.
  [[nodiscard]] Between glance();
  // After a backward pass.
  void note_gradient();
  // In place of the two, by one element alone. True if the weight moved and its gradient was cleared; false says nothing.
  [[nodiscard]] bool glance_briskly();
  void note_gradient_briskly();
  // Whether a gradient is finite, as far as its turn goes: a small one whole, a larger one by kProbePoints elements, others
  // each turn. Unknown if it is not of the kind nearly all are.
  [[nodiscard]] static Answer finite(const at::TensorImpl& gradient, std::uint32_t turn);
  // True if all gradients of this turn are known to be finite: the small ones and one larger, in turns.
  [[nodiscard]] bool gradients_finite(std::uint32_t turn) const;

  // Calls `look(parameter)` for those of this turn.
  template <typename Look>
  void for_each_gradient(std::uint32_t turn, const Look& look) const {
    for (const auto& watched : on_every_step_) look(watched.parameter);
    if (!in_turns_.empty()) look(in_turns_[turn % in_turns_.size()].parameter);
  }

 private:
  const float* element_of(const at::TensorImpl& tensor) const;

  struct Watched {
    int parameter = 0;  // in the module map
    WeakTensor tensor;
  };

  WeakTensor witness_{c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>()};
  std::uint64_t weight_points_ = 0;  // a hash; 0: no weight is watched, or it cannot be read
  bool had_gradient_ = false;        // the witness, after the last backward pass, and not zero
  bool brisk_ = false;               // brisk steps went by since the hash was taken
  std::int64_t element_ = -1;        // of the probed ones that with the largest gradient; -1: none
  float weight_ = 0;                 // that element when last looked at
  std::vector<Watched> on_every_step_;
  std::vector<Watched> in_turns_;  // one a step
};

}  // namespace sonde::probes
