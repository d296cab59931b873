// Built several times: with and without optimisation, with little or no debug information, stripped, and with Sonde
// inside the program or in a shared object. See CMakeLists.txt.
#include "probes/call_site.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <thread>

#include "probes/call_site_lines.h"
#include "probes/call_site_objects.h"

#include "call_site/user.h"

namespace user_library {
Seen calls_an_operation(const Probe& probe);
Seen calls_an_operation_inlined_from_a_header(const Probe& probe);
Seen calls_a_template_of_libtorch(const Probe& probe);
Seen calls_an_inlined_function_of_its_own(const Probe& probe);
Seen calls_from_a_lambda(const Probe& probe);
Seen calls_sonde_from_a_closure_inside_libtorch(const Probe& probe);
}  // namespace user_library

namespace sonde::probes {

// In a namespace of Sonde's inside: stands for its callbacks.
[[gnu::noinline]] int capture_in_operation(void* argument) {
  Seen& seen = *static_cast<Seen*>(argument);
  seen.count = capture_user_frames(seen.frames);
  return 1;
}

[[gnu::noinline]] int capture_in_call(void* argument) {
  Seen& seen = *static_cast<Seen*>(argument);
  seen.count = capture_user_frames(seen.frames, CaptureFrom::call);
  return 1;
}

namespace {

constexpr Probe kProbe{capture_in_operation, capture_in_call};

enum class Information { lines, symbols, nothing };
constexpr Information kInformation = Information::SONDE_TEST_INFORMATION;

using Scenario = Seen (*)(const Probe&);

struct Case {
  const char* name;  // of the user's function
  Scenario scenario;

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

constexpr Case kCases[] = {
    {"user_program::calls_an_operation", user_program::calls_an_operation},
    {"user_program::calls_an_operation_inlined_from_a_header", user_program::calls_an_operation_inlined_from_a_header},
    {"user_program::calls_a_template_of_libtorch", user_program::calls_a_template_of_libtorch},
    {"user_program::calls_an_inlined_function_of_its_own", user_program::calls_an_inlined_function_of_its_own},
    {"user_program::calls_from_a_lambda", user_program::calls_from_a_lambda},
    {"user_program::calls_sonde_from_a_closure_inside_libtorch",
     user_program::calls_sonde_from_a_closure_inside_libtorch},
    {"user_library::calls_an_operation", user_library::calls_an_operation},
    {"user_library::calls_an_operation_inlined_from_a_header", user_library::calls_an_operation_inlined_from_a_header},
    {"user_library::calls_a_template_of_libtorch", user_library::calls_a_template_of_libtorch},
    {"user_library::calls_an_inlined_function_of_its_own", user_library::calls_an_inlined_function_of_its_own},
    {"user_library::calls_from_a_lambda", user_library::calls_from_a_lambda},
    {"user_library::calls_sonde_from_a_closure_inside_libtorch",
     user_library::calls_sonde_from_a_closure_inside_libtorch},
};

SourceLine resolve(const Seen& seen) { return probes::resolve({seen.frames.data(), seen.count}); }

class CallSite : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(User, CallSite, ::testing::ValuesIn(kCases), [](const auto& info) {
  std::string name = info.param.name;
  name.replace(name.find("::"), 2, "_");
  return name;
});

TEST_P(CallSite, IsTheLineOfTheUserThatCalledTheOperation) {
  const Seen seen = GetParam().scenario(kProbe);
  ASSERT_GT(seen.count, 0u);
  const SourceLine source = resolve(seen);
  if (kInformation == Information::lines) {
    EXPECT_TRUE(source.file.ends_with("tests/probes/call_site/user.cc")) << source.file;
    EXPECT_EQ(source.line, static_cast<std::uint32_t>(seen.line)) << source.function;
    EXPECT_FALSE(source.function.empty());
    return;
  }
  EXPECT_FALSE(source.known()) << source.file;
  const std::string space = std::string(GetParam().name).substr(0, 12);  // "user_program" or "user_library"
  const bool named = source.function.find(space) != std::string::npos;
  const bool numbered = source.function.find("+0x") != std::string::npos;
  // A stripped shared object still knows the names of what it exports.
  EXPECT_TRUE(named || (kInformation == Information::nothing && numbered)) << source.function;
}

TEST_P(CallSite, IsTheSameWhenAskedAgainAndFromAnotherThread) {
  const Seen seen = GetParam().scenario(kProbe);
  const SourceLine first = resolve(seen);
  SourceLine second;
  std::thread([&] { second = resolve(seen); }).join();
  EXPECT_EQ(first.line, second.line);
  EXPECT_EQ(first.file, second.file);
  EXPECT_EQ(first.function, second.function);
}

TEST(CallSites, KeepTheInnermostFramesWhenThereIsRoomForFewOnly) {
  const Seen all = user_program::calls_an_operation(kProbe);
  Seen few;
  fake_torch_call(
      [](void* argument) {
        Seen& seen = *static_cast<Seen*>(argument);
        seen.count = capture_user_frames(std::span(seen.frames).first(1));
        return 0;
      },
      &few);
  EXPECT_GT(all.count, 1u);
  EXPECT_EQ(few.count, 1u);
}

TEST(CallSites, OfNoFramesAreUnknown) {
  EXPECT_FALSE(probes::resolve({}).known());
  const std::uintptr_t nowhere[] = {1, 0xdeadbeef, ~std::uintptr_t{0}};
  const SourceLine source = probes::resolve(nowhere);
  EXPECT_FALSE(source.known());
  EXPECT_EQ(source.function, "");
}

TEST(CallSites, TellObjectsApartByTheStartOfTheirNames) {
  for (const char* path :
       {"/opt/libtorch/lib/libtorch_cpu.so", "libtorch.so.1.13", "/usr/lib/x86_64-linux-gnu/libc10.so.1.13",
        "/venv/torch/lib/libc10_cuda.so", "/venv/torch/lib/libtorch_python.so", "libshm.so"}) {
    EXPECT_EQ(kind_of_object(path), ObjectKind::libtorch) << path;
  }
  for (const char* path :
       {"/lib/x86_64-linux-gnu/libc.so.6", "linux-vdso.so.1", "/lib64/ld-linux-x86-64.so.2",
        "/venv/torch/lib/libgomp-98b21ff3.so.1", "/env/lib/libstdc++.so.6", "/env/lib/libpython3.11.so.1.0",
        "/usr/lib/x86_64-linux-gnu/libopencv_core.so.406", "/usr/local/lib/libsonde.so.0.1"}) {
    EXPECT_EQ(kind_of_object(path), ObjectKind::other) << path;
  }
  for (const char* path : {"/home/me/libtorch/build/libmodel.so", "./mylibtorch.so", "/home/me/libtorchard.so",
                           "/srv/torch/plugins/c10.so", "/home/me/libmodels.so", "libcnn.so"}) {
    EXPECT_EQ(kind_of_object(path), ObjectKind::user) << path;
  }
}

TEST(CallSites, TakeAPythonInterpreterForNoUsersProgram) {
  EXPECT_EQ(kind_of_program("/usr/bin/python3.11"), ObjectKind::other);
  EXPECT_EQ(kind_of_program("/usr/bin/train-torch"), ObjectKind::user);
}

TEST(CallSites, PassOverHeadersOfLibrariesButNotAUsersFilesWithSimilarNames) {
  for (const char* path :
       {"/opt/libtorch/include/torch/csrc/api/include/torch/nn/pimpl.h", "/usr/include/c++/12/functional",
        "/venv/torch/include/ATen/core/Tensor.h", "/usr/local/include/sonde/monitor.h", "<artificial>", ""}) {
    EXPECT_FALSE(is_user_file(path)) << path;
  }
  for (const char* path :
       {"/home/me/torch/train.cpp", "/home/me/ATen/net.h", "src/main.cc", "/home/me/sonde/loop.cc"}) {
    EXPECT_TRUE(is_user_file(path)) << path;
  }
}

TEST(CallSites, KnowWhoseAFunctionIsByItsMangledName) {
  EXPECT_TRUE(is_sonde_function("_ZN5sonde7Monitor8backwardERKN2at6TensorEbb"));
  EXPECT_TRUE(is_sonde_function("_ZZN5sonde6probes3runEvENKUlvE_clEv"));
  EXPECT_FALSE(is_sonde_function("_ZN5sonde5loops5trainEv"));
  EXPECT_FALSE(is_sonde_function("main"));
  EXPECT_TRUE(is_library_function("_ZNK5torch2nn6Module4nameEv"));
  EXPECT_TRUE(is_library_function("_ZNSt8functionIFvvEEclEv"));
  EXPECT_FALSE(is_library_function("_ZN4user5trainERKN2at6TensorE"));
}

}  // namespace
}  // namespace sonde::probes
