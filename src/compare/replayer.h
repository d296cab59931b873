// Replayer: what the target's operations make of the reference's activations.
//
// Target values that correspond to values of the reference are taken from the reference's lane; what lies between is
// computed anew by the target's own calls, with the target's own parameters. So an operation is judged without the errors
// that came before it.
#pragma once

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "compare/lane.h"
#include "compare/tape.h"

namespace sonde::compare {

// What a replay takes in place of the tape's own.
struct Substitution {
  std::unordered_map<int, at::Tensor> values;                // of any kind
  std::unordered_map<std::size_t, ArgumentEdits> arguments;  // by call
};

class Replayer {
 public:
  // `known` gives the tensor of a value in the given precision, undefined where it has to be computed.
  using Known = std::function<at::Tensor(int value)>;
  Replayer(const Tape& tape, at::ScalarType precision, Known known)
      : tape_(tape), precision_(precision), known_(std::move(known)) {}

  // The values, computed as far as they are not known. Throws what an operation throws, and std::runtime_error where the
  // chain of calls is too long to be worth it.
  [[nodiscard]] std::vector<at::Tensor> resolve(const std::vector<int>& values, const Substitution& substitution);

 private:
  at::Tensor resolve_one(int value, const Substitution& substitution);

  const Tape& tape_;
  const at::ScalarType precision_;
  const Known known_;
  std::unordered_map<int, at::Tensor> made_;  // by the resolve() that is running
};

}  // namespace sonde::compare
