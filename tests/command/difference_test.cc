#include "command/difference.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "command/runs.h"

namespace sonde::command {
namespace {

using testing::Script;

Difference between(const Script& a, const Script& b) {
  return difference(course_of(testing::run(a)), course_of(testing::run(b)));
}

std::string names_of(const Difference& difference) {
  std::string names;
  for (const PartedLine& line : difference.parted) {
    names += std::to_string(line.parting.step) + " " + line.name + "; ";
  }
  return names;
}

bool names(const Difference& difference, const std::string& name) {
  return std::ranges::any_of(difference.parted, [&](const PartedLine& line) { return line.name == name; });
}

TEST(Difference, EqualRunsAreEqualBitForBit) {
  const Difference equal = between({}, {});
  EXPECT_TRUE(equal.same_start);
  EXPECT_FALSE(equal.first_unlike);
  EXPECT_TRUE(equal.parted.empty()) << names_of(equal);
  EXPECT_GT(equal.compared, 15U);
}

TEST(Difference, OtherBatchesAloneStayWithinTheNoise) {
  for (std::uint32_t seed = 2; seed < 12; ++seed) {
    const Difference batches = between({}, {.noise = seed});
    EXPECT_TRUE(batches.same_start);
    ASSERT_TRUE(batches.first_unlike);
    EXPECT_EQ(batches.first_unlike->step, 0U);
    EXPECT_TRUE(batches.parted.empty()) << seed << ": " << names_of(batches);
  }
}

TEST(Difference, OtherSeedsOfAHealthyProgramStayWithinTheNoise) {
  for (std::uint32_t seed = 2; seed < 22; ++seed) {
    for (const std::uint64_t every : {1, 7}) {
      const Difference seeds =
          between({.steps = 200}, {.weights = seed, .noise = seed + 100, .steps = 200, .every = every});
      EXPECT_FALSE(seeds.same_start);
      EXPECT_TRUE(seeds.parted.empty()) << seed << ": " << names_of(seeds);
    }
  }
}

TEST(Difference, AHigherRateShowsInTheFirstUpdates) {
  for (const std::uint32_t seed : {1, 5}) {  // of the same weights, and of others
    const Difference rates = between({}, {.weights = seed, .noise = seed, .learning_rate = 0.5});
    ASSERT_FALSE(rates.parted.empty());
    EXPECT_GE(rates.parted.front().parting.step, 1U);
    EXPECT_LE(rates.parted.front().parting.step, seed == 1 ? 1U : 5U);
    EXPECT_EQ(rates.parted.front().phase, Phase::update);
    EXPECT_NEAR(rates.parted.front().parting.b / rates.parted.front().parting.a, 10, 8);
    for (const PartedLine& line : rates.parted) EXPECT_EQ(line.phase, Phase::update) << line.name;
  }
}

TEST(Difference, OtherInitialWeightsOfOneLayerAreFoundAtTheFirstStep) {
  for (const std::uint32_t seed : {1, 5}) {
    const Difference weights = between({}, {.weights = seed, .noise = seed, .first_weight = 10});
    EXPECT_EQ(weights.same_start, seed == 1);
    ASSERT_GE(weights.parted.size(), 2U);
    EXPECT_EQ(weights.parted[0].name, "weight of fc1.weight");
    EXPECT_EQ(weights.parted[0].parting.step, 0U);
    EXPECT_TRUE(names(weights, "forward of fc1 (aten::addmm)")) << names_of(weights);
    EXPECT_FALSE(names(weights, "weight of fc2.weight")) << names_of(weights);
  }
}

TEST(Difference, ALateDriftIsFoundAtItsStep) {
  const Difference drift = between({}, {.drift = 3});
  ASSERT_EQ(drift.parted.size(), 1U) << names_of(drift);
  EXPECT_EQ(drift.parted[0].name, "forward of fc2 (aten::addmm)");
  EXPECT_EQ(drift.parted[0].parting.step, 30U);
  EXPECT_EQ(drift.first_unlike->step, 30U);
  EXPECT_NEAR(drift.parted[0].parting.b / drift.parted[0].parting.a, 3, 0.01);
}

TEST(Difference, ADriftWithinTheNoiseIsTheFirstDifferenceButNoParting) {
  const Difference drift = between({}, {.drift = 1.01});
  EXPECT_TRUE(drift.parted.empty()) << names_of(drift);
  ASSERT_TRUE(drift.first_unlike);
  EXPECT_EQ(drift.first_unlike->step, 30U);
  EXPECT_EQ(drift.first_unlike->name, "forward of fc2 (aten::addmm)");
}

TEST(Difference, NaNInOneRunIsFoundWhereItBegins) {
  for (const std::uint32_t seed : {1, 5}) {
    const Difference nan = between({}, {.weights = seed, .noise = seed, .nan_step = 40});
    ASSERT_EQ(nan.parted.size(), 2U) << names_of(nan);
    EXPECT_EQ(nan.parted[0].name, "forward of fc2 (aten::addmm)");
    EXPECT_EQ(nan.parted[0].parting.step, 40U);
    EXPECT_TRUE(nan.parted[0].parting.non_finite);
    EXPECT_EQ(nan.parted[1].name, "loss");
  }
}

TEST(Difference, NaNInBothRunsFromOneStepOnIsNoParting) {
  const Difference nan = between({.nan_step = 40}, {.noise = 7, .nan_step = 40});
  EXPECT_TRUE(nan.parted.empty()) << names_of(nan);
}

TEST(Difference, NaNOnTheLastStepIsFound) {
  const Difference nan = between({}, {.steps = 41, .nan_step = 40});
  EXPECT_EQ(nan.parted.size(), 2U) << names_of(nan);
}

TEST(Difference, LossesBelowZeroAreComparedAsTheyAre) {
  EXPECT_TRUE(between({.loss_offset = 1}, {.noise = 7, .loss_offset = 1}).parted.empty());
  const Difference apart = between({.loss_offset = 1}, {.loss_offset = 3});
  ASSERT_EQ(apart.parted.size(), 1U);
  EXPECT_FALSE(apart.parted[0].parting.factor);
}

TEST(Difference, StepsThatOnlyOneRunObservedAreFilledInBetween) {
  const Difference sparse = between({.steps = 200, .every = 7}, {.steps = 200, .every = 11, .drift = 3});
  ASSERT_EQ(sparse.parted.size(), 1U) << names_of(sparse);
  EXPECT_LE(sparse.parted[0].parting.step, 42U);
}

TEST(Difference, RunsWithoutAnythingInCommonAreNotCompared) {
  EXPECT_EQ(difference({}, course_of(testing::run({}))).compared, 0U);
  EXPECT_EQ(difference({}, {}).compared, 0U);
}

TEST(Course, PlacesOfTheSameNameAreToldApart) {
  const Course course = course_of(testing::run({}));
  std::size_t inputs = 0;
  for (const auto& [key, line] : course.tensors) inputs += key.phase == Phase::input ? 1 : 0;
  EXPECT_EQ(inputs, 2U);
  EXPECT_EQ(course.steps, 60U);
  EXPECT_EQ(course.observed_steps, 60U);
}

TEST(Course, RecordsOfUnknownSitesArePassedOver) {
  trace::Trace trace = testing::run({.steps = 3});
  trace.sites.resize(2);
  EXPECT_LE(course_of(trace).tensors.size(), 1U);
}

}  // namespace
}  // namespace sonde::command
