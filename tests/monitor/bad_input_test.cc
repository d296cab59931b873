#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// What `call` throws, which must be std::invalid_argument.
template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) { return error.what(); }
  return "";
}

class BadInput : public testing::Test {
 protected:
  std::string refusal_of(const Options& options) {
    return refusal([&] { Monitor(net_, optimizer_, options); });
  }
  template <typename Model>
  std::string refusal_of_model(const Model& model) {
    return refusal([&] { Monitor(model, optimizer_); });
  }
  std::string refusal_of_loss(const torch::Tensor& loss) {
    Monitor monitor(net_, optimizer_, observed());
    return refusal([&] { monitor.backward(loss); });
  }

  Net net_;
  torch::optim::SGD optimizer_{net_.parameters(), 0.1};
};

TEST_F(BadInput, NullModuleIsRefused) {
  EXPECT_THAT(refusal_of_model(std::shared_ptr<torch::nn::Module>()), HasSubstr("null"));
}

TEST_F(BadInput, EmptyHolderIsRefused) { EXPECT_THAT(refusal_of_model(torch::nn::Linear(nullptr)), HasSubstr("null")); }

TEST_F(BadInput, ModuleWithoutParametersIsRefused) {
  EXPECT_THAT(refusal_of_model(torch::nn::Sequential(torch::nn::ReLU(), torch::nn::Flatten())), HasSubstr("parameter"));
}

TEST_F(BadInput, NoTensorsAreRefused) { EXPECT_NE(refusal_of_model(NamedTensors{}), ""); }

TEST_F(BadInput, UndefinedTensorIsRefusedByName) {
  EXPECT_THAT(refusal_of_model(NamedTensors{{"scale", torch::Tensor()}}), HasSubstr("scale"));
}

TEST_F(BadInput, OptimizerOfOtherParametersIsRefused) {
  Net other;
  EXPECT_THAT(refusal([&] { Monitor(other, optimizer_); }), HasSubstr("optimizer"));
  try {
    Monitor monitor(other, optimizer_);
    FAIL();
  } catch (const WrongOptimizer& error) {
    EXPECT_EQ(error.finding().causes.front().cause, Cause::parameter_not_optimized);
    EXPECT_EQ(error.finding().origin.where.part, "optimizer");
  }
}

TEST_F(BadInput, OptionsOutOfRangeAreRefusedWithTheirValue) {
  Options options;
  options.overhead = 0;
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("overhead"), HasSubstr("0"), HasSubstr("1")));
  options.overhead = 1.5;
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("overhead"), HasSubstr("1.5")));
  options.overhead = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("overhead"), HasSubstr("nan")));
  options = {};
  options.first_steps = 0;
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("first_steps"), HasSubstr("0")));
  options = {};
  options.max_blind_steps = 0;
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("max_blind_steps"), HasSubstr("0")));
  options = {};
  options.ring_capacity = 255;
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("ring_capacity"), HasSubstr("255"), HasSubstr("256")));
  options.ring_capacity = (std::size_t{1} << 24) + 1;
  EXPECT_THAT(refusal_of(options), AllOf(HasSubstr("ring_capacity"), HasSubstr("16777217")));
}

TEST_F(BadInput, OptionsAtTheirBoundsAreTaken) {
  Options options;
  options.overhead = 1;
  options.first_steps = 1;
  options.max_blind_steps = 1;
  options.ring_capacity = 256;
  EXPECT_EQ(refusal_of(options), "");
}

TEST_F(BadInput, UndefinedLossIsRefused) { EXPECT_THAT(refusal_of_loss(torch::Tensor()), HasSubstr("undefined")); }

TEST_F(BadInput, LossOfSeveralElementsIsRefusedWithItsShape) {
  EXPECT_THAT(refusal_of_loss(net_.forward(torch::randn({3, 4}))),
              AllOf(HasSubstr("[3, 1]"), HasSubstr("one element")));
}

TEST_F(BadInput, LossWithoutGraphIsRefused) {
  EXPECT_THAT(refusal_of_loss(net_.forward(torch::randn({1, 4})).sum().detach()), HasSubstr("graph"));
  torch::NoGradGuard no_grad;
  EXPECT_THAT(refusal_of_loss(net_.forward(torch::randn({1, 4})).sum()), HasSubstr("graph"));
}

TEST_F(BadInput, LossOfOneElementInAnyShapeIsTaken) {
  EXPECT_EQ(refusal_of_loss(net_.forward(torch::randn({1, 4}))), "");
}

TEST_F(BadInput, ForwardFunctionThatReturnsNoLossIsRefused) {
  Monitor monitor(net_, optimizer_, observed());
  EXPECT_THAT(refusal([&] { monitor.backward([] { return torch::Tensor(); }); }), HasSubstr("undefined"));
  EXPECT_NE(refusal([&] { monitor.backward(std::function<torch::Tensor()>()); }), "");
}

TEST_F(BadInput, CheckedLossMustBeOneNumber) {
  Monitor monitor(net_, optimizer_, observed());
  EXPECT_NE(refusal([&] { monitor.check(torch::Tensor()); }), "");
  EXPECT_NE(refusal([&] { monitor.check(torch::zeros({2})); }), "");
}

TEST_F(BadInput, FollowingAnOptimizerOfOtherParametersIsRefused) {
  Net other;
  torch::optim::SGD stranger(other.parameters(), 0.1);
  Monitor monitor(net_, optimizer_, observed());
  EXPECT_NE(refusal([&] { monitor.follow(stranger); }), "");
  EXPECT_NE(refusal([&] { monitor.follow(std::vector<torch::optim::Optimizer*>{}); }), "");
  EXPECT_NE(refusal([&] { monitor.follow(std::vector<torch::optim::Optimizer*>{nullptr}); }), "");
}

TEST_F(BadInput, HookOnAPathTheModelHasNotIsRefusedByName) {
  Monitor monitor(net_, optimizer_, observed());
  EXPECT_THAT(refusal([&] { (void)monitor.hooks().on_forward("fc3", [](auto&&...) {}); }), HasSubstr("fc3"));
  Net other;
  EXPECT_NE(refusal([&] { (void)monitor.hooks().on_backward(*other.fc1, [](auto&&...) {}); }), "");
}

TEST_F(BadInput, RefusedLossDoesNotDisturbTheNextStep) {
  Monitor monitor(net_, optimizer_, observed(OnFault::abort));
  EXPECT_THROW(monitor.backward(torch::Tensor()), std::invalid_argument);
  EXPECT_NO_THROW(train(net_, optimizer_, monitor, 3));
  EXPECT_EQ(kinds(monitor.report()), "");
}

}  // namespace
}  // namespace sonde::tests
