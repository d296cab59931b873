// What the device path computes, with tensors of the CPU sent through it: the numbers of the CPU's kernel.
#include "probes/device_statistics.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "probes/measure_tensor.h"
#include "probes/stats_alike.h"

namespace sonde::probes {
namespace {

using Devices = DeviceStatistics::Devices;

at::Tensor numbers(at::IntArrayRef sizes) {
  return at::randn(sizes, at::detail::createCPUGenerator(11), at::TensorOptions());
}

struct Case {
  std::string name;
  at::Tensor tensor;
  int unit_dimension = -1;
};

std::vector<Case> cases() {
  auto spoilt = numbers({5, 40, 3});
  spoilt[0][1][2] = std::nanf("");
  spoilt[3][7][0] = INFINITY;
  spoilt[3][7][1] = -INFINITY;
  spoilt[4] = 0;
  auto silent = numbers({8, 6, 4, 4}).relu();
  silent.select(1, 2).zero_();
  std::vector<Case> all = {{"no dimensions", at::tensor(3.5F)},
                           {"no dimensions, NaN", at::tensor(std::nanf(""))},
                           {"no elements", at::empty({3, 0, 2}), 0},
                           {"one dimension by unit", numbers({9}), 0},
                           {"rows as units", numbers({30, 70}), 0},
                           {"columns as units", numbers({30, 70}), 1},
                           {"transposed", numbers({30, 70}).t(), 0},
                           {"every third column", numbers({30, 70}).slice(1, 1, 70, 3), 1},
                           {"expanded", numbers({30, 1}).expand({30, 5}), 0},
                           {"expanded units", numbers({30, 1}).expand({30, 5}), 1},
                           {"overlapping", numbers({130}).as_strided({20, 30}, {3, 2})},
                           {"a silent channel", silent, 1},
                           {"not finite", spoilt, 1},
                           {"all NaN", at::full({4, 4}, std::nan(""))},
                           {"all infinite", at::full({4, 4}, -INFINITY)},
                           {"denormal", at::full({4, 4}, 1e-40F), 0},
                           {"long", at::arange(-5, 70).to(at::kLong)},
                           {"bool", at::arange(0, 70).remainder(3).eq(0)},
                           {"byte", at::arange(0, 70).to(at::kByte)},
                           {"many chunks", numbers({3, (1 << 20) + 11})},
                           {"many chunks of rows", numbers({3000, 900}).t().slice(0, 0, 900, 2), 0},
                           {"sparse", at::eye(6).to_sparse()}};
  for (const auto type : {at::kDouble, at::kHalf, at::kBFloat16}) {
    all.push_back({std::string("rows as units of ") + toString(type), numbers({30, 70}).to(type), 0});
    all.push_back({std::string("not finite of ") + toString(type), spoilt.to(type), 2});
  }
  return all;
}

TEST(DeviceStatistics, LeavesTensorsOfTheCpuAndThoseWithoutMemoryToOthers) {
  DeviceStatistics device;
  EXPECT_FALSE(device.takes(*at::ones({2}).unsafeGetTensorImpl()));
  EXPECT_FALSE(device.takes(*at::empty({2}, at::TensorOptions().device(at::kMeta)).unsafeGetTensorImpl()));
}

TEST(DeviceStatistics, SaysWhyItCannotMeasure) {
  DeviceStatistics device(Devices::all);
  trace::TensorStats stats;
  EXPECT_STREQ(device.enqueue(*at::ones({2}, at::kComplexFloat).unsafeGetTensorImpl(), nullptr, -1, stats),
               "complex, quantized or eight-bit floating dtype");
  EXPECT_FALSE(is_promise(stats));
  EXPECT_FALSE(device.used());
}

TEST(DeviceStatistics, AnUnsentPromiseIsNotKept) {
  DeviceStatistics device(Devices::all);
  trace::TensorStats stats;
  ASSERT_EQ(device.enqueue(*at::ones({2}).unsafeGetTensorImpl(), nullptr, -1, stats), nullptr);
  ASSERT_TRUE(is_promise(stats));
  EXPECT_FALSE(device.keep(stats));
  EXPECT_TRUE(is_promise(stats));
  EXPECT_EQ(finiteness(stats), Finite::unknown);
}

TEST(DeviceStatistics, APromiseIsForgottenAfterManyBatches) {
  DeviceStatistics device(Devices::all);
  trace::TensorStats first, stats;
  const auto tensor = at::ones({2});
  for (int i = 0; i < 400; ++i) {
    device.enqueue(*tensor.unsafeGetTensorImpl(), nullptr, -1, i == 0 ? first : stats);
    EXPECT_TRUE(device.arrived(device.send()));
  }
  EXPECT_FALSE(device.keep(first));
  EXPECT_TRUE(device.keep(stats));
  EXPECT_EQ(stats.mean, 1);
}

// All cases, computed on `where`, against the kernel of the CPU.
void expect_those_of_the_cpu(at::Device where) {
  DeviceStatistics device(Devices::all);
  TensorMeter meter;
  const Tails tails{-0.5, 0.75};
  for (const auto& test : cases()) {
    SCOPED_TRACE(test.name);
    const auto there = test.tensor.to(where);
    const auto& impl = *test.tensor.unsafeGetTensorImpl();
    const auto units = test.unit_dimension < 0 ? 0 : static_cast<std::size_t>(test.tensor.size(test.unit_dimension));
    std::vector<std::uint8_t> alive(units), wanted_alive(units);
    TensorMeter::Request request;
    request.tails = test.tensor.is_floating_point() ? &tails : nullptr;
    request.unit_dimension = test.unit_dimension;
    request.alive = wanted_alive.data();
    trace::TensorStats want, got;
    ASSERT_EQ(meter.measure(impl, request, want), nullptr);
    ASSERT_EQ(device.enqueue(*there.unsafeGetTensorImpl(), request.tails, test.unit_dimension, got), nullptr);
    EXPECT_EQ(is_promise(got), test.tensor.numel() > 0);
    device.wait(device.send());
    ASSERT_TRUE(device.keep(got, alive));
    tests::expect_alike(got, want, 2e-6);
    EXPECT_TRUE(got.aux == want.aux || (std::isnan(got.aux) && std::isnan(want.aux))) << got.aux << " " << want.aux;
    EXPECT_EQ(alive, wanted_alive);
  }
}

TEST(DeviceStatistics, AreThoseOfTheCpu) { expect_those_of_the_cpu(at::kCPU); }

TEST(DeviceStatistics, OfACudaDeviceAreThoseOfTheCpu) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  expect_those_of_the_cpu(at::kCUDA);
}

TEST(DeviceStatistics, ManyTensorsGoInOneBatch) {
  DeviceStatistics device(Devices::all);
  std::vector<trace::TensorStats> stats(50);
  for (std::size_t i = 0; i < stats.size(); ++i)
    device.enqueue(*at::full({3}, static_cast<double>(i)).unsafeGetTensorImpl(), nullptr, -1, stats[i]);
  const auto mark = device.send();
  EXPECT_EQ(device.send(), mark);  // nothing more to send
  ASSERT_TRUE(device.arrived(mark));
  for (std::size_t i = 0; i < stats.size(); ++i) {
    ASSERT_TRUE(device.keep(stats[i]));
    EXPECT_EQ(stats[i].mean, static_cast<double>(i));
  }
}

TEST(DeviceStatistics, FinitenessOfManyTensorsAtOnce) {
  DeviceStatistics device(Devices::all);
  auto nan = numbers({3, 3}), infinite = numbers({7});
  nan[1][1] = std::nanf("");
  infinite[6] = -INFINITY;
  const auto huge = at::full({100}, 1e30F);  // whose squares overflow
  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    std::vector<at::Tensor> tensors = {numbers({5}), nan, huge, infinite};
    for (auto& tensor : tensors) tensor = type == at::kHalf ? tensor.clamp(-60000, 60000).to(type) : tensor.to(type);
    if (type == at::kHalf) tensors[3] = infinite.to(type);
    std::vector<trace::TensorStats> stats;
    ASSERT_TRUE(device.enqueue_finiteness(tensors, stats));
    device.wait(device.send());
    for (auto& one : stats) ASSERT_TRUE(device.keep(one));
    EXPECT_EQ(finiteness(stats[0]), Finite::finite);
    EXPECT_EQ(finiteness(stats[1]), Finite::nan);
    EXPECT_EQ(finiteness(stats[2]), Finite::finite);
    EXPECT_EQ(finiteness(stats[3]), Finite::infinite);
  }
}

TEST(DeviceStatistics, SamplesAreThoseOfTheCpu) {
  DeviceStatistics device(Devices::all);
  for (const auto& tensor : {numbers({10}), numbers({40, 50}), numbers({50, 40}).t(), numbers({30}).to(at::kHalf)}) {
    std::vector<double> want, got;
    sample_elements(*tensor.unsafeGetTensorImpl(), 64, want);
    const auto promise = device.enqueue_elements(*tensor.unsafeGetTensorImpl(), 64);
    device.wait(device.send());
    ASSERT_TRUE(device.keep_elements(promise, got));
    EXPECT_EQ(got, want);
  }
}

TEST(DeviceStatistics, ASampleIsOfTheMomentItWasTaken) {
  DeviceStatistics device(Devices::all);
  auto tensor = at::ones({4}, at::kDouble);
  const auto promise = device.enqueue_elements(*tensor.unsafeGetTensorImpl(), 64);
  tensor.zero_();
  device.wait(device.send());
  std::vector<double> got;
  ASSERT_TRUE(device.keep_elements(promise, got));
  EXPECT_EQ(got, std::vector<double>(4, 1.0));
}

}  // namespace
}  // namespace sonde::probes
