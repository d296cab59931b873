// Optimizer, batches and data.
#include <gtest/gtest.h>

#include "rules/sketch.h"

namespace sonde::testing {
namespace {

Sketch network() {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 32).then("relu").linear("fc2", 4).cross_entropy();
  return sketch;
}

TEST(LearningRate, IsJudgedByWhatIsUsualForTheOptimizer) {
  struct Case {
    OptimizerGroup group;
    Cause cause;
  };
  const Case cases[] = {
      {{"Adam", 0.1, 0.9, 0}, Cause::learning_rate_too_high},
      {{"Adam", 0.01, 0.9, 0}, Cause::unknown},
      {{"Adam", 0.001, 0.9, 0}, Cause::unknown},
      {{"Adam", 1e-7, 0.9, 0}, Cause::learning_rate_too_low},
      {{"SGD", 3, 0, 0}, Cause::learning_rate_too_high},
      {{"SGD", 0.1, 0, 0}, Cause::unknown},
      {{"SGD", 0.1, 0.9, 0}, Cause::learning_rate_too_high},
      {{"SGD", 0.01, 0.9, 0}, Cause::unknown},
      {{"SGD", 0.01, 0, 0}, Cause::learning_rate_too_low},
      {{"LBFGS", 1, 0, 0}, Cause::unknown},
      {{"Adam", 0, 0.9, 0}, Cause::unknown},
  };
  for (const Case& one : cases) {
    Sketch sketch = network();
    sketch.model.groups = {one.group};
    EXPECT_EQ(cause_of("learning-rate-range", sketch.model), one.cause)
        << one.group.optimizer << ' ' << one.group.learning_rate << ' ' << one.group.momentum;
  }
}

TEST(LearningRate, NormalisationAllowsLargerSteps) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 32).then("batch_norm", {1}).then("relu").linear("fc2", 4).cross_entropy();
  sketch.model.groups = {{"SGD", 0.1, 0.9, 0}};
  EXPECT_EQ(says("learning-rate-range", sketch.model), 0U);
}

TEST(OptimizerSettings, WeightDecayIsJudgedByHowItIsApplied) {
  for (const auto& [optimizer, decay, sick] :
       {std::tuple("SGD", 0.5, true), {"SGD", 5e-4, false}, {"AdamW", 0.1, false}, {"AdamW", 100.0, true}}) {
    Sketch sketch = network();
    sketch.model.groups = {{optimizer, 0.001, 0.9, decay}};
    EXPECT_EQ(says("optimizer-settings", sketch.model), sick ? 1U : 0U) << optimizer << decay;
  }
}

TEST(BatchSize, OutsideTheUsualIsAWeakHabitAndTheWholeSetAsOneBatchIsNone) {
  Sketch sketch = network();
  EXPECT_EQ(says("batch-size", sketch.model), 0U);
  sketch.model.input.batch = 4;
  EXPECT_EQ(cause_of("batch-size", sketch.model), Cause::batch_size);
  sketch.model.input.data_rows = 4;
  EXPECT_EQ(says("batch-size", sketch.model), 0U);
}

TEST(LittleData, IsJudgedAgainstTheParameters) {
  for (const std::int64_t rows : {100, 10000}) {
    Sketch sketch = network();
    sketch.model.parameters = 50000;
    sketch.model.input.data_rows = rows;
    EXPECT_EQ(cause_of("little-data", sketch.model), rows == 100 ? Cause::too_little_data : Cause::unknown);
  }
}

TEST(ConstantFeature, AColumnThatNeverVariesIsAdviceButZerosAndOnesAreNot) {
  for (const double value : {7.0, 0.0, 1.0}) {
    Sketch sketch = network();
    sketch.model.input.features = {{-1, 1, 0, 0.5}, {value, value, value, 0}};
    EXPECT_EQ(cause_of("constant-feature", sketch.model), value == 7 ? Cause::input_constant : Cause::unknown);
  }
}

TEST(FeatureScale, ColumnsThatDifferAThousandfoldAreAdvice) {
  for (const double small : {1e-4, 0.2}) {
    Sketch sketch = network();
    sketch.model.input.features = {{-1, 1, 0, 0.5}, {0, small, small / 2, small / 4}};
    EXPECT_EQ(cause_of("feature-scale", sketch.model), small < 0.1 ? Cause::input_not_normalized : Cause::unknown);
  }
}

}  // namespace
}  // namespace sonde::testing
