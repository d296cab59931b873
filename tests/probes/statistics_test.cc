#include "probes/statistics.h"

#include <gtest/gtest.h>

#include <hwy/highway.h>
#include <cfloat>
#include <string>

#include "statistics_reference.h"

namespace sonde::probes {
namespace {

using testing::Memory;
using testing::reference;
using testing::Shape;

constexpr ScalarType kTypes[] = {ScalarType::float32, ScalarType::float64, ScalarType::float16, ScalarType::bfloat16};
const double kNaN = std::nan("");
const double kInfinity = INFINITY;

// Every test runs once for each kind of vectors that this machine has.
class Statistics : public ::testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { use(GetParam()); }
  void TearDown() override { use(0); }

 private:
  static void use(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, Statistics, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

// Counts and extremes must be the same, sums within the promised rounding.
void expect_same(const trace::TensorStats& got, const testing::Reference& want, const std::string& what) {
  SCOPED_TRACE(what);
  EXPECT_EQ(got.count, want.stats.count);
  EXPECT_EQ(got.nan, want.stats.nan);
  EXPECT_EQ(got.positive_infinity, want.stats.positive_infinity);
  EXPECT_EQ(got.negative_infinity, want.stats.negative_infinity);
  EXPECT_EQ(got.zeros, want.stats.zeros);
  EXPECT_EQ(got.min, want.stats.min);
  EXPECT_EQ(got.max, want.stats.max);
  EXPECT_NEAR(got.mean, want.stats.mean, 2e-6 * want.mean_magnitude);
  EXPECT_NEAR(got.mean_square, want.stats.mean_square, 2e-6 * want.stats.mean_square);
  EXPECT_FLOAT_EQ(got.beyond, want.stats.beyond);
}

void expect_matches(const Memory& memory, const Shape& shape, const std::string& what) {
  expect_same(measure(shape.of(memory)), reference(memory, shape), what);
  const auto stats = reference(memory, shape).stats;
  EXPECT_EQ(all_finite(shape.of(memory)), stats.nan + stats.positive_infinity + stats.negative_infinity == 0) << what;
}

void expect_units_match(const Memory& memory, const Shape& shape, int unit_dimension, const std::string& what) {
  const auto want = reference(memory, shape, unit_dimension);
  const std::size_t units = want.unit_maxima.size();
  std::vector<float> maxima(units, -1.0f);
  std::vector<std::uint8_t> alive(units, 0);
  MeasureOptions options;
  options.unit_dimension = unit_dimension;
  options.unit_maxima = maxima;
  options.alive = alive;
  const auto got = measure(shape.of(memory), options);
  expect_same(got, want, what);

  SCOPED_TRACE(what);
  if (want.stats.count == 0) {
    EXPECT_EQ(got.units, 0u);
    return;
  }
  std::uint32_t silent = 0;
  for (std::size_t u = 0; u < units; ++u) {
    ASSERT_EQ(maxima[u], static_cast<float>(want.unit_maxima[u])) << "unit " << u;
    ASSERT_EQ(alive[u], want.unit_maxima[u] != 0) << "unit " << u;
    silent += want.unit_maxima[u] == 0;
  }
  EXPECT_EQ(got.units, units);
  EXPECT_EQ(got.silent_units, silent);
  const auto [low, high] = std::minmax_element(maxima.begin(), maxima.end());
  if (std::isinf(*high)) {
    EXPECT_TRUE(std::isnan(got.aux));
  } else {
    EXPECT_EQ(got.aux, static_cast<double>(*high) - *low);
  }
}

TEST_P(Statistics, UseTheVectorsTheyWereAskedToUse) { EXPECT_STREQ(vector_target(), hwy::TargetName(GetParam())); }

TEST_P(Statistics, AgreeWithScalarCodeForEverySizeUpToSeveralVectorsAndAroundBlocks) {
  for (const ScalarType type : kTypes) {
    std::vector<std::int64_t> sizes;
    for (std::int64_t n = 0; n <= 300; ++n) sizes.push_back(n);
    for (const std::int64_t near : {2048, 4096, 6144}) {
      for (std::int64_t n = near - 65; n <= near + 65; ++n) sizes.push_back(n);
    }
    for (const auto n : sizes) {
      Memory memory(type, static_cast<std::size_t>(n));
      memory.fill_normal(static_cast<std::uint32_t>(n));
      expect_matches(memory, Shape::contiguous({n}), "n " + std::to_string(n));
    }
  }
}

TEST_P(Statistics, NonFiniteElementsAreCountedApartAtEveryPositionOfABlock) {
  for (const ScalarType type : kTypes) {
    for (const std::int64_t n : {1, 7, 33, 100, 2048, 2100}) {
      const std::int64_t step = n > 200 ? 13 : 1;
      for (std::int64_t i = 0; i < n; i += step) {
        for (const double odd : {kNaN, kInfinity, -kInfinity, 0.0, -0.0}) {
          Memory memory(type, static_cast<std::size_t>(n));
          for (std::int64_t k = 0; k < n; ++k)
            memory.set(static_cast<std::size_t>(k), 1.0 + static_cast<double>(k % 5));
          memory.set(static_cast<std::size_t>(i), odd);
          expect_matches(memory, Shape::contiguous({n}), std::to_string(odd) + " at " + std::to_string(i));
        }
      }
    }
  }
}

TEST_P(Statistics, ManyNonFiniteElementsInSomeBlocksLeaveTheOthersExact) {
  for (const ScalarType type : kTypes) {
    Memory memory(type, 10000);
    memory.fill_normal(3);
    for (std::size_t i = 2048; i < 6000; i += 3) memory.set(i, i % 2 ? kNaN : -kInfinity);
    expect_matches(memory, Shape::contiguous({10000}), "spoilt blocks");
  }
}

TEST_P(Statistics, WithoutAFiniteElementTheRangeIsEmptyAndTheMeansAreZero) {
  for (const ScalarType type : kTypes) {
    Memory memory(type, 5000);
    for (std::size_t i = 0; i < 5000; ++i) memory.set(i, i % 2 ? kNaN : kInfinity);
    const auto stats = measure(Shape::contiguous({5000}).of(memory));
    EXPECT_EQ(stats.nan, 2500u);
    EXPECT_EQ(stats.positive_infinity, 2500u);
    EXPECT_GT(stats.min, stats.max);
    EXPECT_EQ(stats.mean, 0);
    EXPECT_EQ(stats.mean_square, 0);
  }
}

TEST_P(Statistics, FiniteFloatsWhoseSquaresLeaveTheRangeOfFloatAreStillMeasured) {
  const double magnitudes[] = {1e30, 3e38, 1e19, 2e18, 1e-14, 1e-16, 1e-19, 1e-25, 1e-37, 1e-42, 1.5e-45};
  for (const double magnitude : magnitudes) {
    for (const std::size_t n : {std::size_t{5}, std::size_t{64}, std::size_t{2048}, std::size_t{5000}}) {
      Memory memory(ScalarType::float32, n);
      for (std::size_t i = 0; i < n; ++i) memory.set(i, (i % 3 == 0 ? -1 : 1) * magnitude);
      expect_matches(memory, Shape::contiguous({static_cast<std::int64_t>(n)}), std::to_string(magnitude));
      memory.set(n / 2, kNaN);
      memory.set(n - 1, 0);
      expect_matches(memory, Shape::contiguous({static_cast<std::int64_t>(n)}), "with NaN");
    }
  }
}

TEST_P(Statistics, ASingleHugeElementAmongSmallOnesIsNotLost) {
  Memory memory(ScalarType::float32, 4096);
  for (std::size_t i = 0; i < 4096; ++i) memory.set(i, 1e-20);
  memory.set(3000, 1e25);
  expect_matches(memory, Shape::contiguous({4096}), "one huge");
}

TEST_P(Statistics, SumsOfDoublesSaturateInsteadOfBecomingInfinite) {
  Memory memory(ScalarType::float64, 100);
  for (std::size_t i = 0; i < 100; ++i) memory.set(i, 1e300);
  const auto stats = measure(Shape::contiguous({100}).of(memory));
  EXPECT_EQ(stats.mean_square, DBL_MAX);
  EXPECT_NEAR(stats.mean, 1e300, 1e288);
}

TEST_P(Statistics, ALargeTensorKeepsItsAccuracy) {
  Memory memory(ScalarType::float32, 1 << 20);
  for (std::size_t i = 0; i < memory.size(); ++i) memory.set(i, 0.1f);
  const auto stats = measure(Shape::contiguous({1 << 20}).of(memory));
  EXPECT_NEAR(stats.mean, static_cast<double>(0.1f), 1e-7);
  EXPECT_NEAR(stats.mean_square, static_cast<double>(0.1f) * static_cast<double>(0.1f), 2e-8);
}

TEST_P(Statistics, ElementsOnABoundaryAreNotBeyondIt) {
  for (const ScalarType type : kTypes) {
    Memory memory(type, 1000);
    for (std::size_t i = 0; i < 1000; ++i) memory.set(i, static_cast<double>(i % 9) / 8);
    memory.set(17, kInfinity);
    for (const Tails tails : {Tails{0.125, 0.875}, Tails{0.1250000001, 0.8749999999}, Tails{-1, 2}, Tails{0.5, 0.5}}) {
      MeasureOptions options;
      options.tails = &tails;
      const Shape shape = Shape::contiguous({1000});
      expect_same(measure(shape.of(memory), options), reference(memory, shape, -1, &tails), "tails");
    }
  }
}

TEST_P(Statistics, StridedViewsAreMeasuredElementByElement) {
  const Shape shapes[] = {
      {{}, {}},                                           // a scalar
      {{7}, {3}},                                         // every third
      {{40, 30}, {1, 40}},                                // transposed
      {{40, 30}, {50, 1}, 5},                             // a narrow slice
      {{40, 15}, {50, 2}},                                // strided in both dimensions
      {{40, 3}, {50, 1}},                                 // runs of three
      {{3, 1000}, {1500, 1}},                             // long runs with gaps
      {{2, 2100}, {2500, 1}},                             // longer than a block
      {{3, 2000}, {1, 3}},                                // channels last
      {{5, 6, 7}, {1, 35, 5}},                            // permuted
      {{50, 50}, {1, 1}},                                 // overlapping windows
      {{30, 20}, {0, 1}},                                 // expanded outside
      {{30, 20}, {1, 0}},                                 // expanded inside
      {{30, 20}, {0, 0}},                                 // one element, seen often
      {{4, 1, 5, 1}, {5, 99, 1, 77}},                     // dimensions of size one
      {{4, 0, 5}, {5, 1, 1}},                             // nothing at all
      {{20, 10}, {-10, 1}, 190},                          // reversed
      {{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2},  // as many dimensions as there may be
       {1, 2, 0, 4, 8, 0, 16, 32, 64, 128, 0, 256, 0, 512, 1024, 0}},
  };
  for (const ScalarType type : kTypes) {
    Memory memory(type, 6100);
    memory.fill_normal(11);
    memory.set(120, kNaN);
    memory.set(5, kInfinity);
    for (std::size_t i = 0; i < std::size(shapes); ++i) {
      expect_matches(memory, shapes[i], "shape " + std::to_string(i));
    }
  }
}

TEST_P(Statistics, UnitsAreFoundInEveryLayout) {
  struct Case {
    Shape shape;
    int unit_dimension;
  };
  std::vector<Case> cases = {
      {{{8, 6, 7, 5}, {210, 1, 30, 6}}, 1},   // channels last
      {{{8, 6, 7, 5}, {420, 35, 5, 1}}, 1},   // channels with a gap between images
      {{{8, 6, 7, 5}, {420, 70, 10, 2}}, 1},  // nothing contiguous
      {{{8, 6, 600}, {0, 600, 1}}, 1},        // expanded over images
      {{{8, 6, 60}, {60, 0, 1}}, 1},          // expanded over units: all are alike
      {{{8, 6, 60}, {360, -60, 1}, 300}, 1},  // units in reverse
      {{{64, 16}, {1, 64}}, 0},               // rows of a transposed weight
      {{{64, 16}, {1, 64}}, 1},
      {{{16, 20}, {30, 1}}, 1},  // rows with a gap
      {{{3000}, {2}}, 0},
      {{{3000}, {1}}, 0},     // every element a unit
      {{{1, 5}, {5, 1}}, 0},  // a single unit
      {{{4, 0}, {1, 1}}, 0},
      {{{4, 0}, {1, 1}}, 1},
      {{{50, 50}, {1, 1}}, 0},
  };
  for (const std::int64_t width :
       {1, 2, 3, 5, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 511, 512, 2047, 2048, 2500}) {
    for (const std::int64_t rows : {1, 2, 3, 13}) {
      cases.push_back({Shape::contiguous({rows, width}), 1});
      cases.push_back({Shape::contiguous({width, rows}), 0});
      cases.push_back({Shape::contiguous({rows, width}), 0});
      cases.push_back({Shape::contiguous({2, rows, width}), 1});
    }
  }
  for (const ScalarType type : kTypes) {
    Memory memory(type, 2 * 13 * 2500);
    memory.fill_normal(23);
    for (std::size_t i = 0; i < 400; ++i) memory.set(i, 0);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      expect_units_match(memory, cases[i].shape, cases[i].unit_dimension, "case " + std::to_string(i));
    }
    memory.set(33, kNaN);
    memory.set(77, -kInfinity);
    memory.set(900, kInfinity);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      expect_units_match(memory, cases[i].shape, cases[i].unit_dimension, "not finite, case " + std::to_string(i));
    }
  }
}

TEST_P(Statistics, AUnitOfDoublesTooSmallForFloatIsNotSilent) {
  Memory memory(ScalarType::float64, 64 * 3);
  for (std::size_t i = 0; i < memory.size(); ++i) memory.set(i, i < 64 ? 1e-60 : i < 128 ? 0 : 1e60);
  std::vector<float> maxima(3);
  MeasureOptions options;
  options.unit_dimension = 0;
  options.unit_maxima = maxima;
  const auto stats = measure(Shape::contiguous({3, 64}).of(memory), options);
  EXPECT_EQ(stats.silent_units, 1u);
  EXPECT_GT(maxima[0], 0);
  EXPECT_EQ(maxima[1], 0);
  EXPECT_EQ(maxima[2], FLT_MAX);
}

TEST_P(Statistics, AliveUnitsAreGatheredOverTensors) {
  Memory first(ScalarType::float32, 40);
  Memory second(ScalarType::float32, 40);
  first.set(3, 1);
  second.set(29, -1);
  std::vector<std::uint8_t> alive(20, 0);
  std::vector<float> maxima(20);
  MeasureOptions options;
  options.unit_dimension = 1;
  options.unit_maxima = maxima;
  options.alive = alive;
  const Shape shape = Shape::contiguous({2, 20});
  EXPECT_EQ(measure(shape.of(first), options).silent_units, 19u);
  EXPECT_EQ(measure(shape.of(second), options).silent_units, 19u);
  for (std::size_t u = 0; u < 20; ++u) EXPECT_EQ(alive[u], u == 3 || u == 9) << u;
}

TEST_P(Statistics, IdenticalUnitsHaveNoSpread) {
  Memory memory(ScalarType::float32, 12 * 30);
  for (std::size_t i = 0; i < memory.size(); ++i) memory.set(i, static_cast<double>(i % 12));
  std::vector<float> maxima(30);
  MeasureOptions options;
  options.unit_dimension = 0;
  options.unit_maxima = maxima;
  EXPECT_EQ(measure(Shape::contiguous({30, 12}).of(memory), options).aux, 0);
  EXPECT_TRUE(std::isnan(measure(Shape::contiguous({30, 12}).of(memory)).aux));
}

TEST_P(Statistics, TheSameBytesGiveTheSameBitsAtEveryAddress) {
  Memory memory(ScalarType::float32, 5000);
  memory.fill_normal(5);
  const auto first = measure(Shape{{4001}, {1}, 0}.of(memory));
  std::vector<float> copy(4100);
  for (const std::size_t shift : {1, 3, 8, 17}) {
    std::memcpy(copy.data() + shift, memory.data(), 4001 * sizeof(float));
    const std::int64_t sizes[] = {4001}, strides[] = {1};
    const auto again = measure({copy.data() + shift, ScalarType::float32, sizes, strides});
    EXPECT_EQ(std::memcmp(&first, &again, sizeof first), 0) << shift;
  }
}

TEST_P(Statistics, AViewWithTooManyDimensionsIsNotLookedAt) {
  const std::vector<std::int64_t> ones(17, 1);
  const float value = 1;
  EXPECT_EQ(measure({&value, ScalarType::float32, ones, ones}).count, 0u);
}

}  // namespace
}  // namespace sonde::probes
