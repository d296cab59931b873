// A LibTorch for tests of source lines: a shared object that calls back, and headers that are inlined into user code.
#pragma once

extern "C" int fake_torch_call(int (*callback)(void*), void* argument);

namespace torch {

struct Operation {
  int (*callback)(void*);
  void* argument;
};

[[gnu::always_inline]] inline int relu(const Operation& operation) {
  const int result = fake_torch_call(operation.callback, operation.argument);
  return result + 1;
}

// As torch::nn::Sequential: a template of LibTorch's whose code lies in the user's object.
template <class Module>
struct Sequential {
  Module module;

  [[gnu::noinline]] int forward(const Operation& operation) {
    const int result = module.forward(operation);
    return result * 2;
  }
};

}  // namespace torch
