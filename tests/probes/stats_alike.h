// Statistics of one tensor by the device path and by the CPU's kernel.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "trace/record.h"

namespace sonde::tests {

// All but `aux`. Sums are added up in another order: `tolerance` is relative to the root mean square, or its square.
inline void expect_alike(const trace::TensorStats& got, const trace::TensorStats& want, double tolerance) {
  EXPECT_EQ(got.count, want.count);
  EXPECT_EQ(got.nan, want.nan);
  EXPECT_EQ(got.positive_infinity, want.positive_infinity);
  EXPECT_EQ(got.negative_infinity, want.negative_infinity);
  EXPECT_EQ(got.zeros, want.zeros);
  EXPECT_EQ(got.min, want.min);
  EXPECT_EQ(got.max, want.max);
  EXPECT_NEAR(got.mean, want.mean, tolerance * (1 + std::sqrt(want.mean_square)));
  EXPECT_NEAR(got.mean_square, want.mean_square, tolerance * want.mean_square);
  EXPECT_FLOAT_EQ(got.beyond, want.beyond);
  EXPECT_EQ(got.units, want.units);
  EXPECT_EQ(got.silent_units, want.silent_units);
  EXPECT_EQ(got.dead_units, want.dead_units);
}

}  // namespace sonde::tests
