// Output, loss and labels.
#include <cmath>

#include <gtest/gtest.h>

#include "rules/sketch.h"

namespace sonde::testing {
namespace {

Sketch classifier(const std::string& output = {}) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 32).then("relu").linear("fc2", 4);
  if (!output.empty()) sketch.then(output, {1});
  sketch.cross_entropy();
  return sketch;
}

struct Pair {
  LossKind loss;
  OutputKind output;
  Severity severity;
  Cause cause;
};

TEST(LossMismatch, PairsThatCannotWorkAreWarnedOf) {
  constexpr Pair kBad[] = {
      {LossKind::cross_entropy, OutputKind::softmax, Severity::warning, Cause::redundant_activation},
      {LossKind::cross_entropy, OutputKind::sigmoid, Severity::warning, Cause::wrong_output_activation},
      {LossKind::cross_entropy, OutputKind::rectifier, Severity::advice, Cause::wrong_output_activation},
      {LossKind::nll, OutputKind::linear, Severity::warning, Cause::wrong_output_activation},
      {LossKind::bce_logits, OutputKind::sigmoid, Severity::warning, Cause::redundant_activation},
      {LossKind::kl, OutputKind::softmax, Severity::warning, Cause::wrong_output_activation},
      {LossKind::hinge, OutputKind::sigmoid, Severity::warning, Cause::wrong_output_activation},
      {LossKind::bce, OutputKind::linear, Severity::warning, Cause::wrong_output_activation},
      {LossKind::categorical_on_probabilities, OutputKind::linear, Severity::warning, Cause::wrong_output_activation},
  };
  for (const Pair& pair : kBad) {
    Sketch sketch = classifier();
    sketch.model.loss.kind = pair.loss;
    sketch.model.loss.output = pair.output;
    const auto found = apply("loss-mismatch", sketch.model);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].severity, pair.severity);
    EXPECT_EQ(found[0].causes[0].cause, pair.cause);
  }
}

TEST(LossMismatch, PairsThatFitAreHealthy) {
  constexpr std::pair<LossKind, OutputKind> kGood[] = {
      {LossKind::cross_entropy, OutputKind::linear}, {LossKind::nll, OutputKind::log_softmax},
      {LossKind::bce_logits, OutputKind::linear},    {LossKind::bce, OutputKind::sigmoid},
      {LossKind::mse, OutputKind::linear},           {LossKind::categorical_on_probabilities, OutputKind::softmax},
  };
  for (const auto& [loss, output] : kGood) {
    Sketch sketch = classifier();
    sketch.model.loss.kind = loss;
    sketch.model.loss.output = output;
    EXPECT_EQ(says("loss-mismatch", sketch.model), 0U);
  }
}

TEST(LossMismatch, OneHotLabelsUnderSquaredErrorAreAdvice) {
  for (const bool sick : {true, false}) {
    Sketch sketch = classifier();
    sketch.model.loss.kind = LossKind::mse;
    sketch.model.labels.one_hot = sick;
    EXPECT_EQ(cause_of("loss-mismatch", sketch.model), sick ? Cause::wrong_loss : Cause::unknown);
  }
}

TEST(OutputRange, TargetsThatTheOutputCannotReachAreWarnedOf) {
  for (const double high : {100.0, 1.0}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 8).then("sigmoid").loss(LossKind::mse, OutputKind::sigmoid, 8);
    sketch.model.labels.values = within(0, high);
    EXPECT_EQ(cause_of("output-range", sketch.model), high > 1 ? Cause::wrong_output_activation : Cause::unknown);
  }
}

TEST(ConstantOutput, SoftmaxOverOneUnitIsAnError) {
  for (const std::int64_t width : {1, 2}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", width).then("softmax", {1}).loss(LossKind::mse, OutputKind::softmax, width);
    sketch.last().output = width == 1 ? within(1, 1) : within(0.2, 0.8);
    const auto found = apply("constant-output", sketch.model);
    ASSERT_EQ(found.size(), width == 1 ? 1U : 0U);
    if (width == 1) { EXPECT_EQ(found[0].severity, Severity::error); }
  }
}

TEST(SoftmaxDimension, OverTheBatchIsWarnedOfAndOverTheClassesHealthy) {
  for (const double dimension : {0.0, -2.0, 1.0, -1.0}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 4).then("softmax", {dimension}).loss(LossKind::mse, OutputKind::softmax, 4);
    EXPECT_EQ(says("softmax-dimension", sketch.model), dimension == 0 || dimension == -2 ? 1U : 0U) << dimension;
  }
}

TEST(SoftmaxDimension, ATransposedOutputIsLeftAlone) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 4).then("softmax", {0}).loss(LossKind::mse, OutputKind::softmax, 4);
  sketch.last().shape = {4, 64};  // classes first
  EXPECT_EQ(says("softmax-dimension", sketch.model), 0U);
}

TEST(OutputWidth, CrossEntropyOverOneOutputIsAnError) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 1).cross_entropy();
  const auto found = apply("output-width", sketch.model);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].severity, Severity::error);
}

TEST(OutputWidth, ManyMoreOutputsThanClassesAreAdviceOnceEnoughLabelsWereSeen) {
  for (const std::uint64_t labels : {20000, 64}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 1000).cross_entropy();
    sketch.model.labels.values = within(0, 9, labels);
    EXPECT_EQ(cause_of("output-width", sketch.model), labels > 64 ? Cause::wrong_output_width : Cause::unknown);
  }
}

TEST(LabelRange, LabelsOutsideZeroAndOneUnderBinaryCrossEntropyAreWarnedOf) {
  for (const double low : {-1.0, 0.0}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 1).loss(LossKind::bce_logits, OutputKind::linear, 1);
    sketch.model.labels.values = within(low, 1);
    EXPECT_EQ(cause_of("label-range", sketch.model), low < 0 ? Cause::labels_out_of_range : Cause::unknown);
  }
}

TEST(LabelRange, NoisyLabelsAroundOneAreHealthy) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc1", 1).loss(LossKind::bce_logits, OutputKind::linear, 1);
  sketch.model.labels.values = within(0, 1.2);
  EXPECT_EQ(says("label-range", sketch.model), 0U);
}

TEST(LabelRange, HingeLossesTakeSigns) {
  for (const bool sick : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 1).loss(LossKind::hinge, OutputKind::linear, 1);
    sketch.model.loss.operation = "aten::soft_margin_loss";
    sketch.model.labels.values = within(sick ? 0 : -1, 1);
    sketch.model.labels.zero_or_one = sick;
    EXPECT_EQ(says("label-range", sketch.model), sick ? 1U : 0U);
  }
}

TEST(SumReduction, MattersToPlainStepsOnly) {
  for (const char* optimizer : {"SGD", "Adam"}) {
    Sketch sketch = classifier();
    sketch.model.loss.reduction = 2;
    sketch.model.groups = {{optimizer, 0.1, 0, 0}};
    EXPECT_EQ(says("sum-reduction", sketch.model), optimizer == std::string("SGD") ? 1U : 0U);
    sketch.model.loss.reduction = 1;
    EXPECT_EQ(says("sum-reduction", sketch.model), 0U);
  }
}

TEST(InitialLoss, FarAboveChanceIsAdviceAndAtChanceHealthy) {
  for (const double first : {12.0, std::log(4.0)}) {
    Sketch sketch = classifier();
    sketch.model.loss.first_value = first;
    EXPECT_EQ(cause_of("initial-loss", sketch.model), first > 5 ? Cause::bad_initialization : Cause::unknown);
  }
}

TEST(InitialLoss, TargetsFarFromZeroForTheirSpreadAreAdvice) {
  for (const double mean : {20.0, 0.0}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 1).loss(LossKind::mse, OutputKind::linear, 1);
    sketch.model.labels.values = spread(mean, 0.1);
    sketch.model.loss.first_value = mean * mean + 0.01;
    EXPECT_EQ(cause_of("initial-loss", sketch.model), mean > 0 ? Cause::target_not_normalized : Cause::unknown);
  }
}

TEST(Task, AContradictionIsWarnedOfAndAnotherWordForTheSameThingIsNot) {
  Sketch sketch = classifier();
  sketch.model.told_task = "regression";
  ASSERT_EQ(says("task", sketch.model), 1U);
  EXPECT_EQ(apply("task", sketch.model)[0].severity, Severity::warning);
  for (const char* told : {"", "multiclass", "sequence"}) {
    sketch.model.told_task = told;
    EXPECT_EQ(says("task", sketch.model), 0U) << told;
  }
}

TEST(LabelRange, ZeroAndOneUnderAHingeLossWrittenByHandAreWarnedOf) {
  for (const bool zero_or_one : {true, false}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 1).loss(LossKind::hinge, OutputKind::linear, 1);
    sketch.model.loss.composite = true;
    sketch.model.labels.values = within(zero_or_one ? 0 : -1, 1);
    sketch.model.labels.zero_or_one = zero_or_one;
    EXPECT_EQ(cause_of("label-range", sketch.model), zero_or_one ? Cause::labels_out_of_range : Cause::unknown);
  }
}

TEST(ConstantLabels, OneTargetForAllIsAdvice) {
  for (const double deviation : {0.0, 0.1}) {
    Sketch sketch = Sketch::table(20);
    sketch.linear("fc1", 1).loss(LossKind::mse, OutputKind::linear, 1);
    sketch.model.labels.values = deviation == 0 ? within(2, 2) : spread(2, deviation);
    EXPECT_EQ(cause_of("constant-labels", sketch.model), deviation == 0 ? Cause::labels_constant : Cause::unknown);
    sketch.model.loss.output = OutputKind::other;  // the residual of an equation
    EXPECT_EQ(says("constant-labels", sketch.model), 0U);
  }
}

}  // namespace
}  // namespace sonde::testing
