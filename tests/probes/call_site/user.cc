#include "user.h"

#include <functional>

namespace SONDE_TEST_USER {
namespace {

struct Layer {
  [[gnu::always_inline]] int forward(const torch::Operation& operation) { return torch::relu(operation) + 3; }
  static constexpr int kLine = __LINE__ - 1;
};

struct Outer {
  [[gnu::noinline]] int forward(const torch::Operation& operation) {
    return fake_torch_call(operation.callback, operation.argument) + 5;
  }
  static constexpr int kLine = __LINE__ - 2;
};

struct Closure {
  const Probe* probe;
  Seen* seen;
};

// Stands for what a user calls of Sonde's, inside what LibTorch calls of the user's.
int run_closure(void* argument) {
  const auto& closure = *static_cast<Closure*>(argument);
  closure.seen->line = __LINE__ + 1;
  return closure.probe->in_call(closure.seen) + 1;
}

}  // namespace

Seen calls_an_operation(const Probe& probe) {
  Seen seen;
  seen.line = __LINE__, seen.result = fake_torch_call(probe.in_operation, &seen);
  return seen;
}

Seen calls_an_operation_inlined_from_a_header(const Probe& probe) {
  Seen seen;
  seen.line = __LINE__, seen.result = torch::relu({probe.in_operation, &seen});
  return seen;
}

Seen calls_a_template_of_libtorch(const Probe& probe) {
  Seen seen;
  torch::Sequential<torch::Sequential<Layer>> sequential;
  seen.line = Layer::kLine;
  seen.result = sequential.forward({probe.in_operation, &seen});
  return seen;
}

Seen calls_an_inlined_function_of_its_own(const Probe& probe) {
  Seen seen;
  Outer outer;
  seen.line = Outer::kLine;
  seen.result = outer.forward({probe.in_operation, &seen});
  return seen;
}

Seen calls_from_a_lambda(const Probe& probe) {
  Seen seen;
  const std::function<int()> step = [&] {
    seen.line = __LINE__ + 1;
    return torch::relu({probe.in_operation, &seen}) + 1;
  };
  seen.result = step();
  return seen;
}

Seen calls_sonde_from_a_closure_inside_libtorch(const Probe& probe) {
  Seen seen;
  Closure closure{&probe, &seen};
  seen.result = fake_torch_call(run_closure, &closure);
  return seen;
}

}  // namespace SONDE_TEST_USER
