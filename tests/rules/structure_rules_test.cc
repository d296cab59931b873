// Activations and the shape of the network.
#include <gtest/gtest.h>

#include "rules/sketch.h"

namespace sonde::testing {
namespace {

TEST(NoActivation, TwoLayersInARowAreAdvice) {
  for (const bool sick : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32);
    if (!sick) sketch.then("relu");
    sketch.linear("fc2", 4).cross_entropy();
    const auto found = apply("no-activation", sketch.model);
    ASSERT_EQ(found.size(), sick ? 1U : 0U);
    if (sick) { EXPECT_EQ(sketch.model.find(found[0].operation)->layer, "fc1"); }
  }
}

TEST(NoActivation, ALayerThatIsUsedTwiceHasAPurpose) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 20).linear("fc2", 20).join("fc1").linear("fc3", 4).cross_entropy();
  for (const Violation& one : apply("no-activation", sketch.model))
    EXPECT_NE(sketch.model.find(one.operation)->layer, "fc1");
}

TEST(DoubleActivation, OneOnAnotherIsAdviceAndSoftmaxAfterReluIsNot) {
  Sketch sick = Sketch::table(20);
  sick.linear("fc1", 32).then("relu").then("tanh").linear("fc2", 4).cross_entropy();
  EXPECT_EQ(cause_of("double-activation", sick.model), Cause::redundant_activation);
  Sketch healthy = Sketch::table(20);
  healthy.linear("fc1", 32).then("relu").then("softmax", {1}).loss(LossKind::mse, OutputKind::softmax, 32);
  EXPECT_EQ(says("double-activation", healthy.model), 0U);
}

TEST(HiddenActivation, OneThatIsFlatFromTheStartIsAdvice) {
  for (const double beyond : {0.9, 0.05}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then("tanh").linear("fc2", 4).cross_entropy();
    sketch.at("tanh").beyond = beyond;
    EXPECT_EQ(cause_of("hidden-activation", sketch.model), beyond > 0.5 ? Cause::wrong_activation : Cause::unknown);
  }
}

TEST(HiddenActivation, AGateIsNoHiddenActivation) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 20).then("sigmoid").join("input").linear("fc2", 4).cross_entropy();
  sketch.at("sigmoid").beyond = 0.9;
  EXPECT_EQ(says("hidden-activation", sketch.model), 0U);
}

Sketch network(std::int64_t channels, const std::vector<std::int64_t>& filters, std::int64_t side = 32) {
  Sketch sketch = Sketch::images(channels, side);
  for (std::size_t i = 0; i < filters.size(); ++i) {
    sketch.conv("conv" + std::to_string(i + 1), filters[i]).then("relu");
    if (sketch.last().shape[2] > 8) sketch.then("max_pool2d");
  }
  sketch.then("flatten").linear("fc", 10).cross_entropy();
  return sketch;
}

TEST(FewConvolutions, ColourNeedsThreeAndGreyTwo) {
  EXPECT_EQ(cause_of("few-convolutions", network(3, {32, 64}).model), Cause::too_few_conv_layers);
  EXPECT_EQ(says("few-convolutions", network(3, {32, 64, 128}).model), 0U);
  EXPECT_EQ(says("few-convolutions", network(1, {32}).model), 1U);
  EXPECT_EQ(says("few-convolutions", network(1, {32, 64}).model), 0U);
}

TEST(FilterCount, TooFewTooManyAndShrinkingAreAdvice) {
  EXPECT_EQ(cause_of("filter-count", network(3, {8, 32, 64}).model), Cause::wrong_filter_count);
  EXPECT_EQ(cause_of("filter-count", network(3, {32, 64, 1024}).model), Cause::wrong_filter_count);
  EXPECT_EQ(cause_of("filter-count", network(3, {256, 128, 128}).model), Cause::wrong_filter_count);
  EXPECT_EQ(says("filter-count", network(3, {16, 32, 64}).model), 0U);
  EXPECT_EQ(says("filter-count", network(1, {6, 16}).model), 0U);
}

TEST(FilterCount, ABottleneckOfOnePixelMayShrink) {
  Sketch sketch = Sketch::images(3, 32);
  sketch.conv("conv1", 64).then("relu").conv("squeeze", 16, 1).then("relu").conv("conv2", 64).then("relu");
  sketch.then("flatten").linear("fc", 10).cross_entropy();
  EXPECT_EQ(says("filter-count", sketch.model), 0U);
}

TEST(DenseLayers, MoreThanThreeBehindConvolutionsAreAdvice) {
  for (const int dense : {5, 3}) {
    Sketch sketch = Sketch::images(1, 8);
    sketch.conv("conv1", 8).then("relu").then("flatten");
    for (int i = 1; i < dense; ++i) sketch.linear("fc" + std::to_string(i), 64).then("relu");
    sketch.linear("out", 10).cross_entropy();
    EXPECT_EQ(cause_of("dense-layers", sketch.model), dense > 3 ? Cause::too_many_dense_layers : Cause::unknown);
  }
}

TEST(DenseWidth, ALayerThatWidensBehindConvolutionsIsAdvice) {
  for (const std::int64_t width : {512, 64}) {
    Sketch sketch = Sketch::images(1, 8);
    sketch.conv("conv1", 8).then("relu").then("flatten").linear("fc1", 128).then("relu").linear("fc2", width);
    sketch.then("relu").linear("out", 10).cross_entropy();
    EXPECT_EQ(says("dense-width", sketch.model), width > 128 ? 1U : 0U);
  }
}

TEST(Downsampling, FiveConvolutionsOnLargeMapsAreAdviceAndAPoolBetweenHeals) {
  for (const bool sick : {true, false}) {
    Sketch sketch = Sketch::images(3, 64);
    for (int i = 1; i <= 5; ++i) {
      sketch.conv("conv" + std::to_string(i), 32).then("relu");
      if (!sick && i == 3) sketch.then("max_pool2d");
    }
    sketch.then("flatten").linear("fc", 10).cross_entropy();
    EXPECT_EQ(cause_of("downsampling", sketch.model), sick ? Cause::missing_pooling : Cause::unknown);
  }
}

TEST(KernelSize, AWindowLargerThanItsMapIsAdvice) {
  for (const std::int64_t kernel : {7, 3}) {
    Sketch sketch = Sketch::images(3, 4);
    sketch.conv("conv1", 32, kernel).then("relu").then("flatten").linear("fc", 10).cross_entropy();
    EXPECT_EQ(cause_of("kernel-size", sketch.model), kernel > 4 ? Cause::wrong_kernel_size : Cause::unknown);
  }
}

TEST(Bottleneck, ASingleUnitBeforeTenClassesIsAdviceAndBeforeTwoIsNot) {
  for (const std::int64_t classes : {10, 2}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then("relu").linear("fc2", 1).then("relu").linear("out", classes).cross_entropy();
    EXPECT_EQ(cause_of("bottleneck", sketch.model), classes > 2 ? Cause::wrong_layer_width : Cause::unknown);
  }
}

TEST(HiddenActivation, SoftmaxBetweenTwoLayersIsAdviceAndAtTheOutputIsNot) {
  for (const bool hidden : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 32).then(hidden ? "softmax" : "relu", {1}).linear("fc2", 4).then("softmax", {1});
    sketch.loss(LossKind::categorical_on_probabilities, OutputKind::softmax, 4);
    EXPECT_EQ(cause_of("hidden-activation", sketch.model), hidden ? Cause::wrong_activation : Cause::unknown);
  }
}

}  // namespace
}  // namespace sonde::testing
