// Gradients of custom autograd functions against finite differences: wrong ones, and those that are meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "preflight/experiment.h"

namespace sonde::tests {
namespace {

using testing::HasSubstr;
namespace nn = torch::nn;

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

TEST(CustomGradients, AWrongOneIsAWarningWithItsNameAndTheLineThatTakesItsOutput) {
  auto net = small_net();
  const auto report = run(
      net, [&](const auto& x) { return WrongCube::apply(net->forward(x)); }, kCustom);
  ASSERT_NE(find(report, "custom-gradient"), nullptr);
  EXPECT_EQ(report.count(Severity::warning), 1u);
  EXPECT_THAT(find(report, "custom-gradient")->origin.where.operation, HasSubstr("WrongCube"));
  EXPECT_THAT(find(report, "custom-gradient")->origin.where.source.file, HasSubstr("experiment.h"));
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
