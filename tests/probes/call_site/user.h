// User code that calls operations in several ways. Compiled into the test program and into a shared object of its own.
#pragma once

#include <array>
#include <cstdint>

#include <torch/fake.h>

struct Seen {
  std::array<std::uintptr_t, 16> frames{};
  std::size_t count = 0;
  int line = 0;    // where the user's call stands
  int result = 0;  // used, so that no call becomes a jump, which leaves no frame
};

struct Probe {
  int (*in_operation)(void* seen);
  int (*in_call)(void* seen);
};

namespace SONDE_TEST_USER {

Seen calls_an_operation(const Probe& probe);
Seen calls_an_operation_inlined_from_a_header(const Probe& probe);
Seen calls_a_template_of_libtorch(const Probe& probe);
Seen calls_an_inlined_function_of_its_own(const Probe& probe);
Seen calls_from_a_lambda(const Probe& probe);
Seen calls_sonde_from_a_closure_inside_libtorch(const Probe& probe);

}  // namespace SONDE_TEST_USER
