// Large tensors, measured in parts: the same record whatever the number of threads.
#include "probes/statistics_parts.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "probes/measure_tensor.h"

namespace sonde::probes {
namespace {

class Threads {  // of LibTorch, for one scope
 public:
  explicit Threads(int threads) : before_(at::get_num_threads()) { at::set_num_threads(threads); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

struct Measured {
  trace::TensorStats stats;
  std::vector<std::uint8_t> alive;
};

Measured measured(const at::Tensor& tensor, int unit_dimension, int threads) {
  const Threads scope(threads);
  TensorMeter meter;
  Measured result;
  TensorMeter::Request request;
  const Tails tails{-1, 1};
  request.tails = &tails;
  request.unit_dimension = unit_dimension;
  if (unit_dimension >= 0) result.alive.assign(static_cast<std::size_t>(tensor.size(unit_dimension)), 0);
  request.alive = unit_dimension >= 0 ? result.alive.data() : nullptr;
  EXPECT_EQ(meter.measure(*tensor.unsafeGetTensorImpl(), request, result.stats), nullptr);
  return result;
}

at::Tensor numbers(at::IntArrayRef sizes) {
  return at::randn(sizes, at::detail::createCPUGenerator(7), at::TensorOptions());
}

struct Large {
  const char* name;
  at::Tensor tensor;
  int unit_dimension;
};

std::vector<Large> large_tensors() {
  auto spoilt = numbers({3, 700001});
  spoilt[1][5] = std::nanf("");
  spoilt[2][700000] = -INFINITY;
  return {{"flat", numbers({(1 << 21) + 77}), -1},
          {"rows as units", numbers({1500, 1000}), 0},
          {"columns as units", numbers({1500, 1000}), 1},
          {"channels as units", numbers({24, 16, 64, 64}), 1},
          {"few long rows", spoilt, 0},
          {"transposed", numbers({1200, 1100}).t(), 0},
          {"every second column", numbers({1100, 2400}).slice(1, 0, 2400, 2), 1},
          {"expanded", numbers({1 << 20, 1}).expand({1 << 20, 3}), -1},
          {"half", numbers({1 << 20, 2}).to(at::kHalf), 1}};
}

TEST(StatisticsParts, SmallTensorsAreNotCut) {
  EXPECT_EQ(parts_of(kLargeTensor - 1), 1u);
  EXPECT_GT(parts_of(kLargeTensor), 1u);
  EXPECT_EQ(parts_of(~std::uint64_t{0}), kMostParts);
}

TEST(StatisticsParts, OneAndTwoAndFiveThreadsGiveTheSameBits) {
  for (const auto& large : large_tensors()) {
    SCOPED_TRACE(large.name);
    const auto one = measured(large.tensor, large.unit_dimension, 1);
    for (const int threads : {2, 5}) {
      const auto many = measured(large.tensor, large.unit_dimension, threads);
      EXPECT_EQ(std::memcmp(&one.stats, &many.stats, sizeof one.stats), 0) << threads << " threads";
      EXPECT_EQ(one.alive, many.alive) << threads << " threads";
    }
  }
}

TEST(StatisticsParts, TellWhatOneWalkTells) {
  for (const auto& large : large_tensors()) {
    SCOPED_TRACE(large.name);
    const auto got = measured(large.tensor, large.unit_dimension, 2);
    const auto& impl = *large.tensor.unsafeGetTensorImpl();
    const auto units = large.unit_dimension < 0 ? 0 : static_cast<std::size_t>(large.tensor.size(large.unit_dimension));
    std::vector<float> maxima(units);  // too short for parts
    const Tails tails{-1, 1};
    MeasureOptions options;
    options.tails = &tails;
    options.unit_dimension = large.unit_dimension;
    options.unit_maxima = maxima;
    const auto type = large.tensor.scalar_type() == at::kHalf ? ScalarType::float16 : ScalarType::float32;
    const TensorView view{
        impl.data(), type, {impl.sizes().data(), impl.sizes().size()}, {impl.strides().data(), impl.strides().size()}};
    const auto whole = measure(view, options);
    EXPECT_EQ(got.stats.count, whole.count);
    EXPECT_EQ(got.stats.nan, whole.nan);
    EXPECT_EQ(got.stats.negative_infinity, whole.negative_infinity);
    EXPECT_EQ(got.stats.zeros, whole.zeros);
    EXPECT_EQ(got.stats.min, whole.min);
    EXPECT_EQ(got.stats.max, whole.max);
    EXPECT_EQ(got.stats.units, whole.units);
    EXPECT_EQ(got.stats.silent_units, whole.silent_units);
    EXPECT_TRUE(got.stats.aux == whole.aux || (std::isnan(got.stats.aux) && std::isnan(whole.aux)));
    EXPECT_FLOAT_EQ(got.stats.beyond, whole.beyond);
    EXPECT_NEAR(got.stats.mean, whole.mean, 1e-8);
    EXPECT_NEAR(got.stats.mean_square, whole.mean_square, 1e-7 * whole.mean_square);
  }
}

TEST(StatisticsParts, OneBadElementOfManyIsFound) {
  TensorMeter meter;
  for (const std::int64_t at : {0, 262144, (1 << 21) - 1}) {
    auto tensor = at::ones({1 << 21});
    EXPECT_TRUE(meter.all_finite(*tensor.unsafeGetTensorImpl()));
    tensor[at] = INFINITY;
    EXPECT_FALSE(meter.all_finite(*tensor.unsafeGetTensorImpl())) << at;
  }
}

TEST(SeemsFinite, LooksAtEveryElementOfASmallTensor) {
  TensorMeter meter;
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16})
    for (const std::int64_t size : {std::int64_t{1}, std::int64_t{100}, kFewElements})
      for (const std::int64_t at : {std::int64_t{0}, size / 2, size - 1})
        for (const double bad : {NAN, INFINITY, -INFINITY}) {
          auto tensor = at::full({size}, 3, type);
          EXPECT_TRUE(meter.seems_finite(*tensor.unsafeGetTensorImpl(), 0));
          tensor[at] = bad;
          EXPECT_FALSE(meter.seems_finite(*tensor.unsafeGetTensorImpl(), 0)) << type << " " << size << " " << at;
        }
}

TEST(SeemsFinite, SeesLargeNumbersForWhatTheyAre) {
  TensorMeter meter;
  const auto tensor = at::full({kFewElements}, std::numeric_limits<float>::max());
  EXPECT_TRUE(meter.seems_finite(*tensor.unsafeGetTensorImpl(), 0));
}

TEST(SeemsFinite, ComesToEveryElementOfALargeTensorInTurns) {
  TensorMeter meter;
  constexpr std::int64_t kSize = 40 * 50;
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{1234}, kSize - 1}) {
    auto tensor = at::ones({40, 50});
    tensor.view({-1})[at] = NAN;
    for (const auto& seen : {tensor, tensor.t(), tensor.to(at::kDouble)}) {
      std::uint32_t turn = 0;
      while (turn < kSize && meter.seems_finite(*seen.unsafeGetTensorImpl(), turn)) ++turn;
      EXPECT_LT(turn, kSize) << at;
    }
  }
}

TEST(SeemsFinite, SeesAtOnceThatHalfOfTheRowsAreNotFinite) {
  TensorMeter meter;
  auto tensor = at::ones({64, 100});
  tensor.slice(0, 0, 64, 2) = NAN;  // what comes through a rectifier that half of the units pass
  for (std::uint32_t turn = 0; turn < 100; ++turn)
    EXPECT_FALSE(meter.seems_finite(*tensor.unsafeGetTensorImpl(), turn)) << turn;
}

TEST(StatisticsParts, InsideAParallelRegionNoThreadsAreAdded) {
  const auto tensor = numbers({1 << 21});
  const auto alone = measured(tensor, -1, 1);
  const Threads two(2);
  std::vector<trace::TensorStats> inside(2);
  at::parallel_for(0, 2, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      TensorMeter meter;
      const Tails tails{-1, 1};
      TensorMeter::Request request;
      request.tails = &tails;
      meter.measure(*tensor.unsafeGetTensorImpl(), request, inside[static_cast<std::size_t>(i)]);
    }
  });
  for (const auto& stats : inside) EXPECT_EQ(std::memcmp(&stats, &alone.stats, sizeof stats), 0);
}

}  // namespace
}  // namespace sonde::probes
