#include "probes/unit_life.h"

#include <array>

#include <gtest/gtest.h>

namespace sonde::probes {
namespace {

std::uint32_t dead_after(UnitLife& life, std::array<std::uint8_t, 3> alive, int steps) {
  trace::TensorStats stats;
  for (int i = 0; i < steps; ++i) life.update(7, alive, stats);
  return stats.dead_units;
}

TEST(UnitLife, CallsAUnitDeadOnlyWhenItWasSilentOnEightStepsInARow) {
  UnitLife life;
  EXPECT_EQ(dead_after(life, {1, 0, 1}, UnitLife::kDeadAfter - 1), 0U);
  EXPECT_EQ(dead_after(life, {1, 0, 1}, 1), 1U);
}

TEST(UnitLife, BringsAUnitBackToLifeAtItsFirstSound) {
  UnitLife life;
  EXPECT_EQ(dead_after(life, {0, 0, 1}, 20), 2U);
  EXPECT_EQ(dead_after(life, {1, 0, 1}, 1), 1U);
}

TEST(UnitLife, ForgetsALayerWhoseWidthChanged) {
  UnitLife life;
  EXPECT_EQ(dead_after(life, {0, 0, 0}, 20), 3U);
  trace::TensorStats stats;
  life.update(7, std::array<std::uint8_t, 2>{0, 0}, stats);
  EXPECT_EQ(stats.dead_units, 0U);
}

TEST(UnitLife, NeverEndsASilenceByCountingTooFar) {
  UnitLife life;
  EXPECT_EQ(dead_after(life, {0, 1, 1}, 70000), 1U);
}

}  // namespace
}  // namespace sonde::probes
