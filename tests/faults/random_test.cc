#include "faults/random.h"

#include <cmath>

#include <gtest/gtest.h>

namespace sonde::faults {
namespace {

TEST(Random, UniformsAreTheRawNumbersMovedToTheMiddleOfTheirCells) {
  // The first two outputs of mt19937 with seed 5489 are 3499211612 and 581869302.
  Random random(5489);
  const std::vector<double> numbers = random.uniform(2);
  EXPECT_DOUBLE_EQ(numbers[0], (3499211612.0 + 0.5) / 4294967296.0);
  EXPECT_DOUBLE_EQ(numbers[1], (581869302.0 + 0.5) / 4294967296.0);
}

TEST(Random, AnOddNumberOfNormalsUsesUpAWholePair) {
  Random one(7), other(7);
  static_cast<void>(one.normal(3));
  static_cast<void>(other.uniform(4));
  EXPECT_EQ(one.uniform(1), other.uniform(1));
}

TEST(Random, NormalsComeFromPairsOfUniforms) {
  Random one(7), other(7);
  const std::vector<double> u = one.uniform(2);
  const std::vector<double> z = other.normal(2);
  const double radius = std::sqrt(-2 * std::log(u[0]));
  EXPECT_DOUBLE_EQ(z[0], radius * std::cos(2 * M_PI * u[1]));
  EXPECT_DOUBLE_EQ(z[1], radius * std::sin(2 * M_PI * u[1]));
}

TEST(Random, APermutationSwapsFromTheEnd) {
  Random one(3), other(3);
  const std::vector<double> u = one.uniform(2);
  std::vector<std::size_t> expected{0, 1, 2};
  std::swap(expected[2], expected[static_cast<std::size_t>(u[0] * 3)]);
  std::swap(expected[1], expected[static_cast<std::size_t>(u[1] * 2)]);
  EXPECT_EQ(other.permutation(3), expected);
}

TEST(Random, APermutationOfOneDrawsNothing) {
  Random one(3), other(3);
  EXPECT_EQ(one.permutation(1), std::vector<std::size_t>{0});
  EXPECT_EQ(one.uniform(1), other.uniform(1));
}

}  // namespace
}  // namespace sonde::faults
