#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/analyzer.h"
#include "analysis/loss_history.h"
#include "analysis/robust.h"
#include "analysis/series.h"
#include "analysis/trend.h"

namespace sonde::analysis {
namespace {

TEST(Robust, MedianPassesOverNaNsAndIsNaNOfNothing) {
  EXPECT_TRUE(std::isnan(median({})));
  EXPECT_EQ(median({3, 1, std::nan(""), 2}), 2);
  EXPECT_EQ(median({1, 2, 3, 10}), 2.5);
}

TEST(Robust, OneSpikeDoesNotMoveTheDeviation) {
  EXPECT_NEAR(deviation({1, 2, 3, 4, 1000}, 3), 1.4826, 1e-9);
  EXPECT_EQ(deviation({}, 0), 0);
}

std::vector<double> ramp(std::size_t n, double slope) {
  std::vector<double> y;
  for (std::size_t i = 0; i < n; ++i)
    y.push_back(slope * static_cast<double>(i) + std::sin(7.0 * static_cast<double>(i)));
  return y;
}

TEST(Trend, ASlopeAboveTheNoiseIsCertainAndOneBelowItIsNot) {
  const std::vector<double> x = ramp(100, 1e3);
  EXPECT_GT(least_squares(x, ramp(100, -0.1)).falling(), 0.999);
  EXPECT_GT(least_squares(x, ramp(100, 0.1)).rising(), 0.999);
  EXPECT_NEAR(least_squares(x, ramp(100, 0)).falling(), 0.5, 0.3);
}

TEST(Trend, KnowsNothingOfFewerThanThreePointsOrEqualAbscissae) {
  const std::vector<double> two{1, 2};
  const std::vector<double> equal{1, 1, 1};
  const std::vector<double> any{3, 1, 2};
  EXPECT_EQ(least_squares(two, two).falling(), 0.5);
  EXPECT_EQ(least_squares(equal, any).slope, 0);
}

TEST(Series, GrowthIsMeasuredAgainstTheBaselineOfTheFirstSamples) {
  Series series;
  for (std::uint64_t step = 0; step < 20; ++step) series.add(step, 2.0);
  series.add(20, 200.0);
  EXPECT_NEAR(series.growth(), 100, 1e-9);
  EXPECT_NEAR(series.growth(3), 1, 1e-9) << "one spike is no growth";
  EXPECT_EQ(series.first().value, 2);
  EXPECT_EQ(series.last().step, 20U);
}

TEST(Series, ZerosAndNonFiniteValuesMakeNoBaseline) {
  Series series;
  series.add(0, 0);
  series.add(1, std::numeric_limits<double>::infinity());
  EXPECT_EQ(series.count(), 1U);
  EXPECT_EQ(series.growth(), 1);
}

TEST(SeriesStore, KeepsASeriesForEachSiteAndPhase) {
  SeriesStore store;
  store.add(1, Phase::forward, 0, 1);
  store.add(1, Phase::backward, 0, 2);
  EXPECT_EQ(store.find(1, Phase::backward)->last().value, 2);
  EXPECT_EQ(store.find(2, Phase::forward), nullptr);
}

TEST(LossHistory, AFallBeyondTheNoiseIsAnImprovement) {
  LossHistory falling;
  LossHistory flat;
  for (std::uint64_t step = 0; step < 200; ++step) {
    const double noise = 0.1 * std::sin(7.0 * static_cast<double>(step));
    falling.add(step, 2.3 - 0.005 * static_cast<double>(step) + noise);
    flat.add(step, 2.3 + noise);
  }
  EXPECT_TRUE(falling.improved_since(0));
  EXPECT_FALSE(flat.improved_since(0));
}

TEST(LossHistory, SpikesOfSixtyTimesTheMedianChangeNoLevel) {
  LossHistory loss;
  for (std::uint64_t step = 0; step < 500; ++step) loss.add(step, step % 50 == 7 ? 66.0 : 1.0);
  EXPECT_EQ(loss.level(), 1);
  EXPECT_EQ(loss.best_level(), 1);
}

TEST(LossHistory, ASpikeAtTheEndHidesNoFall) {
  LossHistory loss;
  for (std::uint64_t step = 0; step < 40; ++step) {
    loss.add(step, step > 37 ? 500 : 20 - 0.2 * static_cast<double>(step) + std::sin(7.0 * static_cast<double>(step)));
  }
  EXPECT_GT(loss.trend(100).falling(), 0.95);
}

TEST(LossHistory, AGrowingSpreadIsNoFall) {
  LossHistory loss;  // batches of one sample of two classes, of which the more frequent one is learnt
  for (std::uint64_t step = 0; step < 400; ++step) {
    const double spread = 0.0005 * static_cast<double>(step);
    loss.add(step, 0.7 + (step % 2 == 0 ? spread : -spread));
  }
  EXPECT_LT(loss.trend(100).falling(), 0.95);
  EXPECT_FALSE(loss.improved_since(0));
}

TEST(LossHistory, TheCoarseHistoryOfALongRunIsBoundedAndKeepsItsCourse) {
  LossHistory loss;
  for (std::uint64_t step = 0; step < 200000; ++step) loss.add(step, 1e6 - static_cast<double>(step));
  EXPECT_NEAR(loss.level_at(100000), 9e5, 5e3);
  EXPECT_NEAR(loss.long_trend().slope, -1, 1e-2);
  EXPECT_TRUE(loss.improved_since(50000));
}

TEST(LossHistory, ImprovementIsSeenInLossesOfAnyScaleAndSign) {
  for (const double scale : {1e-5, 1.0, 3e4}) {
    LossHistory loss;
    LossHistory negative;
    for (std::uint64_t step = 0; step < 100; ++step) {
      loss.add(step, scale * (1.0 - 0.005 * static_cast<double>(step)));
      negative.add(step, scale * (-1.0 - 0.02 * static_cast<double>(step)));
    }
    EXPECT_TRUE(loss.improved_since(0)) << scale;
    EXPECT_TRUE(negative.improved_since(0)) << scale;
  }
}

TEST(Number, ThreeDigitsAndNoLocale) {
  EXPECT_EQ(number(0.31415), "0.314");
  EXPECT_EQ(number(41), "41");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(number(std::nan("")), "nan");
  EXPECT_EQ(percent(0.125), "12.5 %");
}

}  // namespace
}  // namespace sonde::analysis
