// Each experiment on a program that fails it and on healthy ones that look alike.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preflight/experiment.h"

namespace sonde::tests {
namespace {

using testing::HasSubstr;
namespace nn = torch::nn;

// ---- gradients_arrive

constexpr auto kArrive = &PreflightOptions::gradients_arrive;

TEST(GradientsArrive, ACutGraphIsAWarningAtTheLayerBeforeTheCut) {
  auto net = small_net();
  auto& first = net->at<nn::LinearImpl>(0);
  auto& second = net->at<nn::LinearImpl>(2);
  const auto report = run(
      net, [&](const auto& x) { return second.forward(torch::relu(first.forward(x)).detach()); }, kArrive);
  EXPECT_FINDING(report, Cause::detached_graph, "0");
  EXPECT_EQ(report.count(Severity::warning), 1u);
}

TEST(GradientsArrive, AnUnusedLayerIsAdvice) {
  auto net = small_net();
  auto& first = net->at<nn::LinearImpl>(0);
  const auto report = run(
      net, [&](const auto& x) { return first.forward(x).mean(1, true); }, kArrive);
  ASSERT_NE(find(report, "not-used"), nullptr);
  EXPECT_THAT(find(report, "not-used")->origin.message, HasSubstr("2.weight"));
  EXPECT_NO_FINDINGS(report);
}

TEST(GradientsArrive, AnUpdateThatKillsTheLayerBehindIsAdvice) {
  auto net = small_net();
  net->at<nn::LinearImpl>(0).bias.data().fill_(-1000);
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kArrive);
  ASSERT_NE(find(report, "only-zero-gradient"), nullptr);
  EXPECT_EQ(find(report, "only-zero-gradient")->origin.where.layer, "0");
}

TEST(GradientsArrive, FrozenLayersAndBranchesThatStartAtZeroAreInOrder) {
  auto net = small_net();
  net->at<nn::LinearImpl>(2).weight.data().zero_();
  net->push_back(nn::Linear(1, 1));
  net->at<nn::LinearImpl>(3).weight.set_requires_grad(false);
  net->at<nn::LinearImpl>(3).bias.set_requires_grad(false);
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kArrive);
  EXPECT_NO_FINDINGS(report, Severity::advice);
}

// ---- forward_is_deterministic

constexpr auto kDeterministic = &PreflightOptions::forward_is_deterministic;

TEST(ForwardIsDeterministic, NumbersFromElsewhereAreAdviceAtTheFirstOperationThatFeelsThem) {
  auto net = small_net();
  std::mt19937 own(1);
  const auto report = run(
      net,
      [&](const auto& x) { return net->forward(torch::mul(x, std::uniform_real_distribution<float>(0.5, 1)(own))); },
      kDeterministic);
  ASSERT_NE(find(report, "forward-not-deterministic"), nullptr);
  const auto& origin = find(report, "forward-not-deterministic")->origin;
  EXPECT_EQ(origin.where.operation, "aten::mul");
  EXPECT_THAT(origin.where.source.file, HasSubstr("experiments_test.cc"));
  EXPECT_NO_FINDINGS(report);
}

TEST(ForwardIsDeterministic, DropoutAndNoiseOfLibTorchAreInOrder) {
  auto net = small_net();
  const auto forward = [&](const auto& x) {
    return net->forward(torch::dropout(x + 0.1 * torch::randn_like(x) + torch::empty({4}).fill_(1), 0.5, true));
  };
  EXPECT_NO_FINDINGS(run(net, forward, kDeterministic), Severity::advice);
}

// ---- fits_one_batch

constexpr auto kFits = &PreflightOptions::fits_one_batch;

TEST(FitsOneBatch, ARateThatBlowsUpIsAWarning) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kFits, 30);
  EXPECT_FINDING(report, Cause::learning_rate_too_high, "optimizer");
  EXPECT_EQ(report.count(Severity::warning), 1u);
}

TEST(FitsOneBatch, ARateThatMovesNothingIsAdvice) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kFits, 1e-9);
  EXPECT_FINDING(report, Cause::learning_rate_too_low, "optimizer");
  EXPECT_NO_FINDINGS(report);
}

TEST(FitsOneBatch, ADeadNetworkIsAnError) {
  auto net = small_net();
  net->push_back(nn::ReLU());
  net->at<nn::LinearImpl>(2).bias.data().fill_(-1000);
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kFits);
  EXPECT_FINDING(report, Cause::bad_initialization, "model");
  EXPECT_EQ(report.count(Severity::error), 1u);
}

TEST(FitsOneBatch, AGradientThatPointsUphillIsAWarning) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return Reversed::apply(net->forward(x)); }, kFits, 1e-4);
  ASSERT_NE(find(report, "batch-not-fitted"), nullptr);
  EXPECT_THAT(find(report, "batch-not-fitted")->origin.message, HasSubstr("does not lower it"));
  EXPECT_EQ(report.count(Severity::warning), 1u);
}

TEST(FitsOneBatch, NoiseDropoutClosuresAndWarmUpsAreInOrder) {
  auto net = small_net();
  const auto noisy = [&](const auto& x) { return net->forward(torch::dropout(x + torch::randn_like(x), 0.3, true)); };
  EXPECT_NO_FINDINGS(run(net, noisy, kFits), Severity::advice);
  EXPECT_TRUE(not_observed(run(net, noisy, kFits, 0), "learning rate is 0"));

  const Batch batch;
  torch::optim::LBFGS lbfgs(net->parameters(), 1);
  const auto report = preflight(
      net, [&] { return torch::mse_loss(net->forward(batch.x), batch.y); }, lbfgs, only(kFits));
  EXPECT_NO_FINDINGS(report, Severity::advice);
}

TEST(FitsOneBatch, AModelThatHasLearntIsInOrder) {
  torch::manual_seed(1);
  nn::Linear line(4, 1);
  const Batch batch;
  const auto y = batch.y + torch::randn_like(batch.y);
  const auto loss_of = [&] { return torch::mse_loss(line->forward(batch.x), y); };
  torch::optim::SGD optimizer(line->parameters(), 0.1);
  for (int step = 0; step < 2000; ++step) {
    optimizer.zero_grad();
    loss_of().backward();
    optimizer.step();
  }
  const auto report = preflight(line, loss_of, optimizer, only(kFits));
  EXPECT_NO_FINDINGS(report, Severity::advice);
  EXPECT_TRUE(not_observed(report, "at a minimum"));
  torch::optim::Adam another(line->parameters(), 0.01);
  EXPECT_NO_FINDINGS(preflight(line, loss_of, another, only(kFits)), Severity::advice);
}

TEST(FitsOneBatch, LossesBelowZeroAreInOrder) {
  auto net = small_net();
  const Batch batch;
  torch::optim::Adam optimizer(net->parameters(), 1e-2);
  const auto likelihood = [&] { return -torch::exp(-(net->forward(batch.x) - batch.y).square()).mean(); };
  EXPECT_NO_FINDINGS(preflight(net, likelihood, optimizer, only(kFits)), Severity::advice);
}

// ---- loss_depends_on_input

constexpr auto kDepends = &PreflightOptions::loss_depends_on_input;

TEST(LossDependsOnInput, DeadUnitsThatLetNothingThroughAreAnErrorThere) {
  auto net = small_net();
  net->at<nn::LinearImpl>(0).bias.data().fill_(-1000);
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kDepends);
  EXPECT_FINDING(report, Cause::bad_initialization, "aten::relu");
  EXPECT_EQ(report.count(Severity::error), 1u);
}

TEST(LossDependsOnInput, ASoftmaxOverOneUnitIsAnErrorThere) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return torch::softmax(net->forward(x), 1); }, kDepends);
  EXPECT_FINDING(report, Cause::wrong_output_activation, "aten::softmax");
}

TEST(LossDependsOnInput, AHeadThatStartsAtZeroIsInOrder) {
  auto net = small_net();
  net->at<nn::LinearImpl>(2).weight.data().zero_();
  EXPECT_NO_FINDINGS(run(
                         net, [&](const auto& x) { return net->forward(x); }, kDepends),
                     Severity::advice);
}

TEST(LossDependsOnInput, AFunctionThatReadsAnotherTensorIsNotJudged) {
  auto net = small_net();
  const auto other = torch::randn({16, 4});
  const auto report = run(
      net, [&](const auto&) { return net->forward(other); }, kDepends);
  EXPECT_NO_FINDINGS(report, Severity::advice);
  EXPECT_TRUE(not_observed(report, "does not read its argument"));
}

// ---- samples_are_independent

constexpr auto kIndependent = &PreflightOptions::samples_are_independent;

TEST(SamplesAreIndependent, AViewWhereATransposeWasMeantIsAWarningThere) {
  auto net = small_net();
  const auto forward = [&](const auto& x) { return net->forward(torch::relu(x.t().contiguous().view({16, 4}))); };
  const auto report = run(net, forward, kIndependent);
  ASSERT_NE(find(report, "samples-mixed"), nullptr);
  EXPECT_EQ(report.count(Severity::warning), 1u);
}

TEST(SamplesAreIndependent, AMeanOverTheBatchIsAWarning) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x - x.mean(0)); }, kIndependent);
  ASSERT_NE(find(report, "samples-mixed"), nullptr);
  EXPECT_EQ(find(report, "samples-mixed")->origin.where.operation, "aten::sub");
}

TEST(SamplesAreIndependent, ASoftmaxOverTheBatchAfterTheLastLayerIsAdvice) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return torch::softmax(net->forward(x), 0); }, kIndependent);
  ASSERT_NE(find(report, "samples-mixed"), nullptr);
  EXPECT_EQ(find(report, "samples-mixed")->severity, Severity::advice);
}

TEST(SamplesAreIndependent, BatchNormalisationIsInOrder) {
  torch::manual_seed(1);
  nn::Sequential net(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.2), nn::Linear(8, 1));
  EXPECT_NO_FINDINGS(run(
                         net, [&](const auto& x) { return net->forward(x); }, kIndependent),
                     Severity::advice);
}

TEST(SamplesAreIndependent, BatchNormalisationWithoutStatisticsIsNotJudged) {
  torch::manual_seed(1);
  nn::Sequential net(nn::Linear(4, 8), nn::BatchNorm1d(nn::BatchNorm1dOptions(8).track_running_stats(false)),
                     nn::ReLU(), nn::Linear(8, 1));
  const auto report = run(
      net, [&](const auto& x) { return net->forward(x); }, kIndependent);
  EXPECT_NO_FINDINGS(report, Severity::advice);
  EXPECT_TRUE(not_observed(report, "uses the batch in eval mode"));
}

TEST(SamplesAreIndependent, TimeFirstIsInOrderWithItsBatchDimension) {
  torch::manual_seed(1);
  nn::GRU gru(3, 5);
  const auto x = torch::randn({6, 6, 3}), y = torch::randn({6, 6, 5});  // as many steps as samples
  torch::optim::SGD optimizer(gru->parameters(), 0.05);
  auto options = only(kIndependent);
  options.batch_dimension = 1;
  const auto loss_of = [&](const torch::Tensor& input) { return torch::mse_loss(std::get<0>(gru->forward(input)), y); };
  EXPECT_NO_FINDINGS(preflight(gru, loss_of, x, optimizer, options), Severity::advice);
}

}  // namespace
}  // namespace sonde::tests
