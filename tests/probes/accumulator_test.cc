// What the fused CUDA kernel adds up, on the host.
#include "probes/cuda/accumulator.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sonde::probes::cuda {
namespace {

Accumulator of(std::initializer_list<double> values) {
  Accumulator all;
  for (const double x : values) all.add(x, -1, 2);
  return all;
}

TEST(Accumulator, OfNothingHasNoExtremes) {
  double row[kTotals];
  Accumulator().write(row);
  EXPECT_EQ(row[kFieldMin], INFINITY);
  EXPECT_EQ(row[kFieldMax], -INFINITY);
  EXPECT_EQ(row[kFieldSum], 0);
}

TEST(Accumulator, CountsWhatIsNotFiniteAndLeavesItOut) {
  double row[kTotals];
  of({std::nan(""), INFINITY, INFINITY, -INFINITY, 3, -0.0, -2}).write(row);
  EXPECT_EQ(row[kFieldNan], 1);
  EXPECT_EQ(row[kFieldPositiveInfinity], 2);
  EXPECT_EQ(row[kFieldNegativeInfinity], 1);
  EXPECT_EQ(row[kFieldZeros], 1);
  EXPECT_EQ(row[kFieldBeyond], 2);
  EXPECT_EQ(row[kFieldMin], -2);
  EXPECT_EQ(row[kFieldMax], 3);
  EXPECT_EQ(row[kFieldSum], 1);
  EXPECT_EQ(row[kFieldSumSquares], 13);
}

TEST(Accumulator, BoundsAreNotBeyondThemselves) { EXPECT_EQ(of({-1, 2}).beyond, 0u); }

TEST(Accumulator, TwoPartsAreTheWhole) {
  auto first = of({1, 0, std::nan("")});
  first.merge(of({-5, INFINITY, 7}));
  double merged[kTotals], whole[kTotals];
  first.write(merged);
  of({1, 0, std::nan(""), -5, INFINITY, 7}).write(whole);
  for (int field = 0; field < kTotals; ++field) EXPECT_EQ(merged[field], whole[field]) << field;
}

}  // namespace
}  // namespace sonde::probes::cuda
