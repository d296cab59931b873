#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

using ::testing::Contains;

trace::TensorStats within(double min, double max) {
  trace::TensorStats stats = values((max - min) / 3, (min + max) / 2);
  stats.min = min;
  stats.max = max;
  return stats;
}

// Labels of 0 and 1 of which a share is set.
trace::TensorStats labels(double share) {
  trace::TensorStats stats = within(0, 1);
  stats.mean = stats.mean_square = share;
  return stats;
}

TEST(LossMatch, SoftmaxBeforeCrossEntropyIsCertainAtTheFirstStep) {
  FakeNetwork net({"fc1", "relu1", "fc2", "softmax"}, "aten::cross_entropy_loss");
  net.layer("softmax").forward = within(0.01, 0.4);
  net.run(1);
  ASSERT_EQ(net.count(Severity::warning), 1U);
  const Finding finding = net.findings()[0];
  EXPECT_EQ(finding.causes[0].cause, Cause::redundant_activation);
  EXPECT_EQ(finding.causes[0].where.layer, "softmax");
  EXPECT_EQ(finding.causes[1].cause, Cause::loss_output_mismatch);
  EXPECT_EQ(finding.causes[1].where.part, "loss");
}

TEST(LossMatch, FittingPairsAreHealthy) {
  struct Row {
    std::vector<std::string> layers;
    const char* loss;
    double min, max;
  };
  for (const Row& row : {Row{{"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss", -3, 3},
                         Row{{"fc1", "relu1", "fc2", "log_softmax"}, "aten::nll_loss_nd", -5, -0.1},
                         Row{{"fc1", "relu1", "fc2", "sigmoid"}, "aten::binary_cross_entropy", 0.1, 0.9},
                         Row{{"fc1", "relu1", "fc2"}, "aten::binary_cross_entropy_with_logits", -3, 3},
                         Row{{"fc1", "relu1", "fc2"}, "aten::mse_loss", -3, 3}}) {
    FakeNetwork net(row.layers, row.loss);
    net.layer(row.layers.back()).forward = within(row.min, row.max);
    net.target = within(0, 1);
    net.run(30);
    EXPECT_EQ(net.count(Severity::advice), 0U) << row.loss << '\n' << text_of(net.findings());
  }
}

TEST(LossMatch, ProbabilitiesIntoNllLossAreFoundByTheirSign) {
  FakeNetwork net({"fc1", "softmax"}, "aten::nll_loss_nd");
  net.layer("softmax").forward = within(0.05, 0.9);
  net.run(1);
  ASSERT_EQ(net.count(Severity::warning), 1U);
  EXPECT_THAT(causes_of(net.findings()[0]), Contains(Cause::loss_output_mismatch));
}

TEST(LossMatch, ASigmoidBeforeTheLossThatAppliesOneIsFound) {
  FakeNetwork net({"fc1", "sigmoid"}, "aten::binary_cross_entropy_with_logits");
  net.layer("sigmoid").forward = within(0.3, 0.7);
  net.target = within(0, 1);
  net.run(1);
  EXPECT_EQ(net.count(Severity::warning), 1U);
}

TEST(LossMatch, SeveralLabelsASampleDoNotFitSoftmax) {
  FakeNetwork net({"fc1", "softmax"}, "aten::mse_loss");
  net.layer("softmax").forward = within(0.01, 0.4);
  net.target = labels(0.25);
  net.run(1);
  ASSERT_EQ(net.count(Severity::warning), 1U);
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::wrong_output_activation);
}

TEST(LossMatch, SquaredErrorOnOneHotLabelsIsAdvice) {
  FakeNetwork net({"fc1", "softmax"}, "aten::mse_loss");
  net.layer("softmax").forward = within(0.01, 0.4);
  net.target = labels(0.1);  // one of ten in each row
  net.run(1);
  EXPECT_EQ(net.count(Severity::warning), 0U);
  EXPECT_THAT(causes_of(net.findings().at(0)), Contains(Cause::wrong_loss));
}

// -(y * log(p)).mean(), with the clamp and the division by the row sum that careful people write.
void categorical(FakeNetwork& net) {
  const std::uint32_t p = net.layers().back().site;
  const std::uint32_t sum = net.add_operation("aten::sum", {p});
  const std::uint32_t share = net.add_operation("aten::div", {p, sum});
  const std::uint32_t bounded = net.add_operation("aten::clamp", {share});
  const std::uint32_t log = net.add_operation("aten::log", {bounded});
  const std::uint32_t product = net.add_operation("aten::mul", {net.target_site(), log});
  net.add_operation("aten::mean", {net.add_operation("aten::neg", {product})});
}

TEST(LossReading, AHandWrittenCrossEntropyIsReadFromItsOperations) {
  FakeNetwork healthy({"fc1", "relu1", "fc2", "softmax"}, "");
  healthy.layer("softmax").forward = within(0.01, 0.4);
  healthy.target = labels(0.1);
  categorical(healthy);
  healthy.run(30);
  EXPECT_EQ(healthy.count(Severity::advice), 0U) << text_of(healthy.findings());

  FakeNetwork sick({"fc1", "relu1", "fc2", "relu2"}, "");
  sick.layer("relu2").forward = within(0, 3);
  sick.target = labels(0.1);
  categorical(sick);
  sick.run(1);
  ASSERT_EQ(sick.count(Severity::warning), 1U) << text_of(sick.findings());
  EXPECT_EQ(sick.findings()[0].causes[0].cause, Cause::wrong_output_activation);
  EXPECT_EQ(sick.findings()[0].causes[0].where.layer, "relu2");
}

TEST(LossReading, ALogarithmOfSomethingElseIsALossOfItsOwn) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "");  // the likelihood of a normal distribution with a learnt deviation
  const std::uint32_t error = net.add_operation("aten::sub", {net.layers().back().site, net.target_site()});
  const std::uint32_t square = net.add_operation("aten::pow", {error});
  const std::uint32_t deviation = net.add_operation("aten::exp", {net.layers().back().site});
  const std::uint32_t log = net.add_operation("aten::log", {deviation});
  net.add_operation("aten::mean", {net.add_operation("aten::add", {square, log})});
  net.run(30);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(LossReading, SeveralTermsThatAreNotAlikeAreNotJudged) {
  FakeNetwork net({"fc1", "relu1", "fc2", "log_softmax"}, "aten::mse_loss");
  trace::Site other;
  other.operation = "aten::nll_loss_nd";
  other.op_class = trace::OpClass::loss;
  other.inputs = {net.layer("log_softmax").site};
  net.catalog().add(other);
  net.target = within(0, 1);
  net.run(30);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(OutputRange, TargetsFarOutsideASigmoidAreFound) {
  FakeNetwork net({"fc1", "sigmoid"}, "aten::mse_loss");
  net.layer("sigmoid").forward = within(0.3, 0.7);
  net.target = within(3, 103);
  net.run(1);
  ASSERT_EQ(net.count(Severity::warning), 1U) << text_of(net.findings());
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::wrong_output_activation);
  EXPECT_EQ(net.findings()[0].causes[0].where.layer, "sigmoid");
}

TEST(OutputRange, ARectifierForTargetsOfBothSignsIsFoundAndForPositiveOnesHealthy) {
  for (const bool sick : {true, false}) {
    FakeNetwork net({"fc1", "relu"}, "aten::mse_loss");
    net.target = sick ? within(-2.5, 2.5) : within(0, 2.5);
    net.run(1);
    EXPECT_EQ(net.count(Severity::warning), sick ? 1U : 0U) << text_of(net.findings());
  }
}

TEST(OutputRange, ATargetThatTouchesTheBoundIsHealthy) {
  FakeNetwork net({"fc1", "sigmoid"}, "aten::mse_loss");
  net.target = within(0, 1);
  net.run(30);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(ConstantOutput, SoftmaxOverOneUnitIsAnErrorAtTheFirstStep) {
  FakeNetwork net({"fc1", "softmax"}, "aten::mse_loss");
  net.layer("softmax").forward = within(1, 1);
  net.layer("softmax").units = 1;
  net.set_program([](trace::Program& program) { program.prediction_shape = {32, 1}; });
  net.target = within(0, 1);
  net.run(1);
  ASSERT_EQ(net.findings().size(), 1U) << text_of(net.findings());
  EXPECT_EQ(net.findings()[0].severity, Severity::error);
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::wrong_output_activation);
}

TEST(ConstantOutput, OneThatStaysConstantWhileTheLossDoesNotFallIsWarnedOf) {
  for (const bool sick : {true, false}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    net.layer("fc2").forward = sick ? within(0.4, 0.4) : within(0.39, 0.41);
    net.run(30);
    EXPECT_EQ(net.count(Severity::warning), sick ? 1U : 0U) << text_of(net.findings());
  }
}

TEST(InputScale, IsAdviceAsLongAsNoHarmFollows) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  net.input = values(130, 100);
  net.run(100, [&](std::uint64_t step) { net.loss = 2.3 / (1 + 0.1 * static_cast<double>(step)); });
  ASSERT_EQ(net.findings().size(), 1U);
  EXPECT_EQ(net.findings()[0].severity, Severity::advice);
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::input_not_normalized);
  EXPECT_EQ(net.findings()[0].causes[0].where.part, "data");
}

TEST(InputScale, NormalisationOrAnEmbeddingBehindTheInputMakesItHarmless) {
  FakeNetwork net({"norm1", "fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  net.input = values(130, 100);
  net.run(30);
  EXPECT_EQ(net.count(Severity::advice), 0U) << text_of(net.findings());
}

TEST(TargetScale, TargetsThatThePredictionsNeverReachAreWarnedOf) {
  for (const bool sick : {true, false}) {
    FakeNetwork net({"fc1", "tanh1", "fc2"}, "aten::mse_loss");
    net.target = within(1e6, 5e6);
    net.layer("fc2").forward = sick ? values(3) : values(3e6);
    net.run(200, [&](std::uint64_t step) { net.loss = sick ? 1e13 : 1e13 / (1.0 + static_cast<double>(step)); });
    EXPECT_EQ(net.count(Severity::warning), sick ? 1U : 0U) << text_of(net.findings());
    EXPECT_THAT(causes_of(net.findings().at(0)), Contains(Cause::target_not_normalized));
  }
}

TEST(BatchOrder, BatchesOfOneClassEachAreFound) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  net.run(20, [&](std::uint64_t step) {
    net.target = within(static_cast<double>(step / 5), static_cast<double>(step / 5));
  });
  ASSERT_EQ(net.count(Severity::warning), 1U);
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::data_not_shuffled);
}

TEST(BatchOrder, BatchesThatAreRealOrFakeInTurnAndConstantLabelsAreNotSorted) {
  for (const bool turns : {true, false}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::binary_cross_entropy_with_logits");
    net.set_program([](trace::Program& program) { program.prediction_shape = {32, 1}; });
    net.run(40, [&](std::uint64_t step) {
      const double label = turns && step % 2 == 1 ? 0 : 1;
      net.target = within(label, label);
    });
    EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
  }
}

TEST(BatchOrder, TheSameBatchesInTheSameOrderAreAdviceAndOneBatchIsNoOrder) {
  for (const std::uint64_t batches : {7, 1}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    net.run(60, [&](std::uint64_t step) {
      net.fingerprint = step % 3 == 0 ? 100 + step % batches : 0;  // told on some steps only
      net.loss = 1 / (1 + 0.1 * static_cast<double>(step));
    });
    EXPECT_EQ(net.findings().size(), batches > 1 ? 1U : 0U) << text_of(net.findings());
    EXPECT_EQ(net.count(Severity::warning), 0U);
  }
}

TEST(Structure, TwoLinearLayersInARowAndTwoActivationsInARowAreAdvice) {
  FakeNetwork net({"fc1", "fc2", "relu1", "relu2", "fc3"}, "aten::mse_loss");
  net.run(1);
  ASSERT_EQ(net.findings().size(), 2U) << text_of(net.findings());
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::missing_activation);
  EXPECT_EQ(net.findings()[0].causes[0].where.layer, "fc1");
  EXPECT_EQ(net.findings()[1].causes[0].cause, Cause::redundant_activation);
  EXPECT_EQ(net.count(Severity::warning), 0U);
}

TEST(LossMismatch, AHingeLossWrittenByHandIsReadAndItsOutputMustReachBelowMinusOne) {
  for (const char* last : {"sigmoid", "fc2"}) {
    FakeNetwork net({"fc1", "relu1", last}, "");
    const std::uint32_t prediction = net.layers().back().site;
    const std::uint32_t product = net.add_operation("aten::mul", {net.target_site(), prediction});
    const std::uint32_t gap = net.add_operation("aten::rsub", {product});
    net.add_operation("aten::mean", {net.add_operation("aten::clamp_min", {gap})});
    net.target = values(1, 0, 32);
    net.run(5);
    EXPECT_EQ(net.find("loss-mismatch") != nullptr, last == std::string("sigmoid")) << text_of(net.findings());
  }
}

}  // namespace
}  // namespace sonde::testing
