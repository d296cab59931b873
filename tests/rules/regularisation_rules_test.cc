// Dropout and normalisation.
#include <gtest/gtest.h>

#include "rules/sketch.h"

namespace sonde::testing {
namespace {

TEST(DropoutRate, MoreThanAHalfIsAdvice) {
  for (const double rate : {0.7, 0.5}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then("relu").then("dropout", {rate, 1}).linear("fc2", 4).cross_entropy();
    EXPECT_EQ(cause_of("dropout-rate", sketch.model), rate > 0.5 ? Cause::dropout_rate : Cause::unknown);
  }
}

TEST(DropoutTwice, OnTheSameTensorIsAdvice) {
  for (const bool sick : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then("dropout", {0.3, 1});
    if (!sick) sketch.then("relu");
    sketch.then("dropout", {0.3, 1}).linear("fc2", 4).cross_entropy();
    EXPECT_EQ(cause_of("dropout-twice", sketch.model), sick ? Cause::redundant_dropout : Cause::unknown);
  }
}

TEST(DropoutBeforeNormalization, IsAdviceAndTheOtherOrderHealthy) {
  for (const bool sick : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32);
    if (sick) {
      sketch.then("dropout", {0.3, 1}).then("batch_norm", {1});
    } else {
      sketch.then("batch_norm", {1}).then("dropout", {0.3, 1});
    }
    sketch.linear("fc2", 4).cross_entropy();
    EXPECT_EQ(says("dropout-before-normalization", sketch.model), sick ? 1U : 0U);
  }
}

TEST(DropoutMissing, CountsMoreWhereRowsAreFew) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 64).then("relu").linear("fc2", 4).cross_entropy();
  EXPECT_LT(apply("dropout-missing", sketch.model).at(0).causes.at(0).confidence, 0.3);
  sketch.model.input.data_rows = 100;
  sketch.model.parameters = 20000;
  EXPECT_GT(apply("dropout-missing", sketch.model).at(0).causes.at(0).confidence, 0.3);
}

TEST(DropoutMissing, WeightDecayIsARegulariserToo) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 64).then("relu").linear("fc2", 4).cross_entropy();
  sketch.model.groups = {{"AdamW", 0.001, 0.9, 0.01}};
  EXPECT_EQ(says("dropout-missing", sketch.model), 0U);
}

TEST(NormalizationMissing, InManyLayersInARowIsAdvice) {
  for (const bool sick : {true, false}) {
    Sketch sketch = Sketch::table(20);
    for (int i = 0; i < 4; ++i) {
      sketch.linear("fc" + std::to_string(i), 32);
      if (!sick) sketch.then("batch_norm", {1});
      sketch.then("relu");
    }
    sketch.linear("out", 4).cross_entropy();
    EXPECT_EQ(cause_of("normalization-missing", sketch.model), sick ? Cause::missing_normalization : Cause::unknown);
  }
}

TEST(NormalizationBatch, StatisticsOfTwoValuesAreAdviceInTrainingOnly) {
  for (const std::int64_t rows : {2, 64}) {
    Sketch sketch = Sketch::table(20, rows);
    sketch.linear("fc1", 32).then("batch_norm", {1}).then("relu").linear("fc2", 4).cross_entropy();
    EXPECT_EQ(cause_of("normalization-batch", sketch.model), rows == 2 ? Cause::batch_size : Cause::unknown);
    sketch.at("batch_norm").arguments = {0};
    EXPECT_EQ(says("normalization-batch", sketch.model), 0U);
  }
}

TEST(BiasBeforeNormalization, IsTheWeakestAdvice) {
  for (const bool bias : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then("batch_norm", {1}).then("relu").linear("fc2", 4).cross_entropy();
    sketch.at("fc1").bias = bias;
    EXPECT_EQ(cause_of("bias-before-normalization", sketch.model), bias ? Cause::redundant_bias : Cause::unknown);
  }
}

TEST(DropoutOutput, DropoutBehindTheLastLayerIsAdvice) {
  for (const bool last : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then("relu");
    if (!last) sketch.then("dropout", {0.5});
    sketch.linear("fc2", 4);
    if (last) sketch.then("dropout", {0.5});
    sketch.cross_entropy();
    EXPECT_EQ(cause_of("dropout-output", sketch.model), last ? Cause::redundant_dropout : Cause::unknown);
  }
}

}  // namespace
}  // namespace sonde::testing
