// What the monitor allocates on the training thread, after warm-up. LibTorch allocates too, so a step is compared with
// the same step without a monitor; both call the same operations.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>

#include <gtest/gtest.h>
#include <sonde/sonde.h>
#include <torch/torch.h>

#include "monitor/training.h"

namespace {
thread_local std::uint64_t allocations = 0;
}

// Not inlined: GCC 12 would take malloc and delete for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t align) {
  ++allocations;
  const auto unit = static_cast<std::size_t>(align);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace sonde::tests {
namespace {

constexpr int kWarmUp = 60;
constexpr int kSteps = 200;

struct Training {
  Net net;
  torch::optim::Adam optimizer{net.parameters(), torch::optim::AdamOptions(1e-3)};
  Batch batch;
  std::optional<Monitor> monitor;

  void step() {
    optimizer.zero_grad();
    const auto loss = torch::mse_loss(net.forward(batch.x), batch.y);
    if (monitor)
      monitor->backward(loss);
    else
      loss.backward();
    optimizer.step();
  }

  // Of this thread in kSteps steps, after warm-up.
  std::uint64_t count() {
    for (int i = 0; i < kWarmUp; ++i) step();
    const auto before = allocations;
    for (int i = 0; i < kSteps; ++i) step();
    return allocations - before;
  }
};

std::uint64_t without_monitor() { return Training().count(); }

std::uint64_t with_monitor(const Options& options) {
  Training training;
  training.monitor.emplace(training.net, training.optimizer, options);
  return training.count();
}

Options never_observed() {
  Options options;
  options.overhead = 1e-9;
  options.max_blind_steps = 1000000;
  return options;
}

TEST(Allocations, AreCounted) {
  const auto before = allocations;
  ::operator delete(::operator new(4));  // which no compiler may leave out
  EXPECT_EQ(allocations, before + 1);
}

TEST(Allocations, NoneOnStepsThatAreNotObserved) {
  // Steps on which the contract is looked at are among them.
  EXPECT_EQ(with_monitor(never_observed()), without_monitor());
}

TEST(Allocations, NoneForMetricsWhoseNamesAreKnown) {
  Training training;
  training.monitor.emplace(training.net, training.optimizer, never_observed());
  training.monitor->metric("a name that is too long for a small string", 1);
  const auto before = allocations;
  for (int i = 0; i < kSteps; ++i) training.monitor->metric("a name that is too long for a small string", i);
  EXPECT_EQ(allocations, before);
}

TEST(Allocations, NoneOnGuardedStepsThatAreNotObserved) {
  auto options = never_observed();
  options.on_fault = OnFault::skip;
  EXPECT_EQ(with_monitor(options), without_monitor());
}

TEST(Allocations, NoneForATraceFile) {
  auto options = never_observed();
  options.trace_file = testing::TempDir() + "/sonde_allocations.trace";
  EXPECT_EQ(with_monitor(options), without_monitor());
  std::filesystem::remove(options.trace_file);
}

// Nearly all are LibTorch's: a vector for the outputs of each operation that is seen, the optimizer's included, and the
// list of hooks of each node of the graph.
TEST(Allocations, FewOnObservedSteps) {
  Options options;
  options.every_step = true;
  const auto bare = without_monitor(), watched = with_monitor(options);
  const auto each = (static_cast<double>(watched) - static_cast<double>(bare)) / kSteps;
  RecordProperty("allocations", static_cast<int>(each));
  EXPECT_LE(each, 300) << "a step of " << static_cast<double>(bare) / kSteps << " without a monitor";
}

}  // namespace
}  // namespace sonde::tests
