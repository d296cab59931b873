#include <torch/fake.h>

[[gnu::noinline]] static int dispatch(int (*callback)(void*), void* argument) { return callback(argument) + 1; }

int fake_torch_call(int (*callback)(void*), void* argument) { return dispatch(callback, argument) * 2; }
