// Initial weights, and parameters that share memory.
#include <gtest/gtest.h>

#include "rules/sketch.h"

namespace sonde::testing {
namespace {

Sketch network() {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 32).then("relu").linear("fc2", 4).cross_entropy();
  return sketch;
}

TEST(EqualWeights, AConstantHiddenLayerIsAdvice) {
  Sketch sketch = network();
  sketch.at("fc1").weight = within(0.5, 0.5, 640);
  EXPECT_EQ(cause_of("equal-weights", sketch.model), Cause::bad_initialization);
  EXPECT_EQ(says("equal-weights", network().model), 0U);
}

TEST(EqualWeights, AnOutputLayerMayStartAtZero) {
  Sketch sketch = network();
  sketch.at("fc2").weight = within(0, 0, 128);
  EXPECT_EQ(says("equal-weights", sketch.model), 0U);
}

TEST(EqualWeights, AResidualBranchMayStartAtZero) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 20).then("relu").linear("fc2", 20).join("relu").linear("fc3", 4).cross_entropy();
  sketch.at("fc2").weight = within(0, 0, 400);
  EXPECT_EQ(says("equal-weights", sketch.model), 0U);
}

TEST(EqualWeights, AreNotJudgedInTheMiddleOfARun) {
  Sketch sketch = network();
  sketch.at("fc1").weight = within(0.5, 0.5, 640);
  sketch.model.first_step = false;
  EXPECT_EQ(says("equal-weights", sketch.model), 0U);
}

TEST(WeightScale, IsJudgedAgainstTheFanIn) {
  for (const std::int64_t inputs : {784, 4}) {
    Sketch sketch = Sketch::table(inputs);
    sketch.linear("fc1", 32).then("relu").linear("fc2", 4).cross_entropy();
    sketch.at("fc1").weight = spread(0, 1);
    EXPECT_EQ(cause_of("weight-scale", sketch.model), inputs > 4 ? Cause::bad_initialization : Cause::unknown);
  }
}

TEST(WeightScale, NormalisationBehindTheLayerMakesItHarmless) {
  Sketch sketch = Sketch::table(784);
  sketch.linear("fc1", 32).then("batch_norm", {1}).then("relu").linear("fc2", 4).cross_entropy();
  sketch.at("fc1").weight = spread(0, 1);
  sketch.at("fc1").normalization = sketch.at("batch_norm").id;
  EXPECT_EQ(says("weight-scale", sketch.model), 0U);
}

TEST(TiedParameters, AWeightWithoutItsBiasBetweenLayersOfOneKindIsAdvice) {
  Sketch sketch = network();
  sketch.model.modules = {{"a", "Linear", true}, {"b", "Linear", true}, {"emb", "Embedding", true}};
  sketch.model.tied = {{"a.weight", "b.weight"}};
  EXPECT_EQ(says("tied-parameters", sketch.model), 1U);
  sketch.model.tied = {{"a.weight", "b.weight"}, {"a.bias", "b.bias"}};  // one module under two names
  EXPECT_EQ(says("tied-parameters", sketch.model), 0U);
  sketch.model.tied = {{"a.weight", "emb.weight"}};
  EXPECT_EQ(says("tied-parameters", sketch.model), 0U);
}

TEST(UntiedParameters, AnEmbeddingAndAHeadThatStartEqualAreAdviceUnlessTheyShareMemory) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("emb", 50).then("relu").linear("fc", 20).then("relu").linear("head", 50).cross_entropy();
  sketch.at("emb").op_class = OpClass::embedding;
  sketch.at("emb").weight = sketch.at("head").weight;
  sketch.at("emb").weight_shape = sketch.at("head").weight_shape;
  EXPECT_EQ(says("untied-parameters", sketch.model), 1U);
  sketch.model.tied = {{"emb.weight", "head.weight"}};
  EXPECT_EQ(says("untied-parameters", sketch.model), 0U);
  sketch.model.tied.clear();
  sketch.at("emb").weight = spread(0, 0.02);
  EXPECT_EQ(says("untied-parameters", sketch.model), 0U);
}

}  // namespace
}  // namespace sonde::testing
