// Each experiment on a program that fails it and on healthy ones that look alike.
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/testing.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

using testing::HasSubstr;
namespace nn = torch::nn;

PreflightOptions only(bool PreflightOptions::*experiment) {
  PreflightOptions options;
  options.*experiment = true;
  return options;
}

// Runs one experiment on `forward`, a function of the batch [16, 4] that gives [16, 1], and a squared error.
template <typename Model, typename Forward>
Report run(Model& model, const Forward& forward, bool PreflightOptions::*experiment, double rate = 0.05) {
  const Batch batch;
  torch::optim::SGD optimizer(model->parameters(), rate);
  return preflight(
      model, [&](const torch::Tensor& x) { return torch::mse_loss(forward(x), batch.y); }, batch.x, optimizer,
      only(experiment));
}

nn::Sequential small_net() {
  torch::manual_seed(1);
  return nn::Sequential(nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 1));
}

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

struct Reversed : torch::autograd::Function<Reversed> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) { return x.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    return {-gradients[0]};
  }
};

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

// ---- custom_gradients

constexpr auto kCustom = &PreflightOptions::custom_gradients;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RightCube : torch::autograd::Function<RightCube> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    return x * x * x;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {gradients[0] * 3 * context->get_saved_variables()[0].square()};
  }
};

struct WrongCube : torch::autograd::Function<WrongCube> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    return x * x * x;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {gradients[0] * 3 * context->get_saved_variables()[0]};  // forgot the square
  }
};

struct WrongMean : torch::autograd::Function<WrongMean> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    return x.pow(3).mean();
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {gradients[0] * context->get_saved_variables()[0]};
  }
};

// Right for the first input, wrong for the second.
struct Product : torch::autograd::Function<Product> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& y, double scale) {
    context->save_for_backward({x, y});
    context->saved_data["scale"] = scale;
    return x * y * scale;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const double scale = context->saved_data["scale"].toDouble();
    return {gradients[0] * saved[1] * scale, gradients[0] * saved[1] * scale, torch::Tensor()};
  }
};

struct Rounded : torch::autograd::Function<Rounded> {
  static torch::Tensor forward(AutogradContext*, const torch::Tensor& x) { return x.sign(); }
  static variable_list backward(AutogradContext*, variable_list gradients) { return {gradients[0]}; }
};

TEST(CustomGradients, AWrongOneIsAWarningWithItsNameAndLine) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return WrongCube::apply(net->forward(x)); }, kCustom);
  ASSERT_NE(find(report, "custom-gradient"), nullptr);
  EXPECT_EQ(report.count(Severity::warning), 1u);
  EXPECT_THAT(find(report, "custom-gradient")->origin.where.operation, HasSubstr("WrongCube"));
  EXPECT_THAT(find(report, "custom-gradient")->origin.where.source.file, HasSubstr("experiments_test.cc"));
}

TEST(CustomGradients, ARightOneIsInOrderWhateverTheProgramStopsElsewhere) {
  auto net = small_net();
  const auto forward = [&](const auto& x) {
    const auto y = net->forward(x);
    return RightCube::apply(y) + (y - y.detach()) + RightCube::apply(torch::relu(y)).detach();
  };
  const auto report = run(net, forward, kCustom);
  EXPECT_NO_FINDINGS(report, Severity::advice);
  EXPECT_FALSE(not_observed(report, "RightCube"));
}

TEST(CustomGradients, TheInputThatIsWrongIsNamed) {
  auto net = small_net();
  const auto forward = [&](const auto& x) {
    return Product::apply(net->forward(x), torch::sigmoid(net->forward(-x)), 0.5);
  };
  const auto report = run(net, forward, kCustom);
  ASSERT_EQ(report.count(Severity::warning), 1u);
  EXPECT_THAT(report.findings[0].origin.message, HasSubstr("input 1 of"));
}

TEST(CustomGradients, AFunctionOfAParameterIsLookedAtToo) {
  auto net = small_net();
  auto& layer = net->at<nn::LinearImpl>(0);
  const auto with = [&](const auto& function) {
    return [&](const auto& x) {
      return net->at<nn::LinearImpl>(2).forward(torch::relu(torch::linear(x, function(layer.weight), layer.bias)));
    };
  };
  EXPECT_EQ(run(net, with([](const auto& w) { return WrongCube::apply(w); }), kCustom).count(Severity::warning), 1u);
  EXPECT_NO_FINDINGS(run(net, with([](const auto& w) { return RightCube::apply(w); }), kCustom), Severity::advice);
}

TEST(CustomGradients, AFunctionThatGivesTheLossIsLookedAtAndItsInputStaysAsItIs) {
  auto net = small_net();
  auto x = torch::randn({16, 4}, torch::requires_grad());
  const auto before = x.detach().clone();
  torch::optim::SGD optimizer(net->parameters(), 0.05);
  const auto loss_of = [&](const torch::Tensor& input) { return WrongMean::apply(net->forward(input)); };
  const auto report = preflight(net, loss_of, x, optimizer, only(kCustom));
  EXPECT_EQ(report.count(Severity::warning), 1u);
  EXPECT_TRUE(x.equal(before));
  EXPECT_FALSE(x.grad().defined());

  const auto direct = [&](const torch::Tensor& input) {
    return net->forward(input).mean() + WrongCube::apply(input).mean();
  };
  const auto view = [&](const torch::Tensor& input) {
    return WrongCube::apply(input.view({8, 8})).mean() + net->forward(input).mean();
  };
  EXPECT_EQ(preflight(net, direct, x, optimizer, only(kCustom)).count(Severity::warning), 1u);
  EXPECT_EQ(preflight(net, view, x, optimizer, only(kCustom)).count(Severity::warning), 1u);
  EXPECT_TRUE(x.equal(before));
}

TEST(CustomGradients, AReversedGradientMayBeMeant) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return Reversed::apply(net->forward(x)) * 2; }, kCustom);
  EXPECT_NO_FINDINGS(report);
  ASSERT_NE(find(report, "custom-gradient"), nullptr);
  EXPECT_THAT(find(report, "custom-gradient")->origin.message, HasSubstr("-1 times the true one"));
}

TEST(CustomGradients, AStraightThroughEstimatorIsMeant) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return Rounded::apply(net->forward(x)) * 2; }, kCustom);
  EXPECT_NO_FINDINGS(report, Severity::advice);
}

}  // namespace
}  // namespace sonde::tests
