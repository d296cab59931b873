#include <sonde/hooks.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Model : torch::nn::Module {
  Model() {
    register_module("encoder", encoder);
    register_module("head", head);
  }
  torch::Tensor forward(const torch::Tensor& x) { return head(encoder->forward(x)); }

  torch::nn::Sequential encoder{torch::nn::Linear(4, 6), torch::nn::Tanh(), torch::nn::Linear(6, 8)};
  torch::nn::Linear head{8, 1};
};

class HooksTest : public testing::Test {
 protected:
  void steps(int count) { train(model_, optimizer_, monitor_, count); }
  Hooks& hooks() { return monitor_.hooks(); }

  Model model_;
  torch::optim::SGD optimizer_{model_.parameters(), 0.01};
  Monitor monitor_{model_, optimizer_, observed()};
  std::vector<std::string> seen_;
};

TEST_F(HooksTest, ForwardHookGetsInputsAndOutputsOfItsLayer) {
  torch::Tensor input, output;
  auto handle = hooks().on_forward("encoder.2", [&](const auto& path, const auto& inputs, const auto& outputs) {
    seen_.push_back(path);
    input = inputs.at(0);
    output = outputs.at(0);
  });
  steps(1);
  EXPECT_THAT(seen_, ElementsAre("encoder.2"));
  EXPECT_EQ(input.sizes(), (std::vector<std::int64_t>{16, 6}));
  EXPECT_EQ(output.sizes(), (std::vector<std::int64_t>{16, 8}));
}

TEST_F(HooksTest, ForwardHookSeesTheVeryNumbers) {
  torch::Tensor input, output;
  auto handle = hooks().on_forward(*model_.head, [&](const auto&, const auto& inputs, const auto& outputs) {
    input = inputs.at(0).detach().clone();
    output = outputs.at(0).detach().clone();
  });
  const auto wanted_weight = model_.head->weight.detach().clone(), wanted_bias = model_.head->bias.detach().clone();
  steps(1);
  EXPECT_TRUE(torch::allclose(torch::addmm(wanted_bias, input, wanted_weight.t()), output));
}

TEST_F(HooksTest, BackwardHookGetsTheGradientOfTheOutput) {
  torch::Tensor gradient;
  auto handle = hooks().on_backward("head", [&](const auto& path, const auto& grad_outputs) {
    seen_.push_back(path);
    gradient = grad_outputs.at(0).clone();
  });
  const Batch batch;
  const auto prediction = model_.forward(batch.x);
  monitor_.backward(torch::mse_loss(prediction, batch.y));
  EXPECT_THAT(seen_, ElementsAre("head"));
  EXPECT_TRUE(torch::allclose(gradient, (prediction - batch.y).detach() * 2 / 16));
}

TEST_F(HooksTest, ContainerPathStandsForTheLayersBelow) {
  auto handle =
      hooks().on_forward("encoder", [&](const auto& path, const auto&, const auto&) { seen_.push_back(path); });
  steps(1);
  EXPECT_THAT(seen_, ElementsAre("encoder.0", "encoder.2"));
}

TEST_F(HooksTest, EmptyPathStandsForTheWholeModel) {
  auto handle = hooks().on_backward("", [&](const auto& path, const auto&) { seen_.push_back(path); });
  steps(1);
  EXPECT_THAT(seen_, ElementsAre("head", "encoder.2", "encoder.0"));
}

TEST_F(HooksTest, ModuleReferenceNamesItsLayer) {
  auto handle =
      hooks().on_forward(*model_.encoder, [&](const auto& path, const auto&, const auto&) { seen_.push_back(path); });
  steps(1);
  EXPECT_THAT(seen_, ElementsAre("encoder.0", "encoder.2"));
}

TEST_F(HooksTest, HookIsCalledOnceAStepEvenIfStepsAreRarelyObserved) {
  Options options;
  options.background = false;
  options.first_steps = 1;
  options.overhead = 1e-6;
  Monitor monitor(model_, optimizer_, options);
  int forward = 0, backward = 0;
  auto first = monitor.hooks().on_forward("head", [&](auto&&...) { ++forward; });
  auto second = monitor.hooks().on_backward("head", [&](auto&&...) { ++backward; });
  train(model_, optimizer_, monitor, 50);
  EXPECT_EQ(forward, 50);
  EXPECT_EQ(backward, 50);
}

TEST_F(HooksTest, RemovedHookIsNotCalledAgain) {
  int calls = 0;
  auto handle = hooks().on_forward("head", [&](auto&&...) { ++calls; });
  steps(2);
  handle.remove();
  handle.remove();
  steps(2);
  EXPECT_EQ(calls, 2);
}

TEST_F(HooksTest, HookDiesWithItsHandle) {
  int calls = 0;
  {
    const auto handle = hooks().on_backward("head", [&](auto&&...) { ++calls; });
    steps(1);
  }
  steps(2);
  EXPECT_EQ(calls, 1);
}

TEST_F(HooksTest, HandleMayBeMoved) {
  int calls = 0;
  HookHandle kept;
  {
    auto handle = hooks().on_forward("head", [&](auto&&...) { ++calls; });
    kept = std::move(handle);
  }
  steps(1);
  EXPECT_EQ(calls, 1);
}

TEST_F(HooksTest, HandleMayOutliveTheMonitor) {
  HookHandle handle;
  {
    Monitor monitor(model_, optimizer_, observed());
    handle = monitor.hooks().on_forward("head", [](auto&&...) {});
    train(model_, optimizer_, monitor, 1);
  }
  EXPECT_NO_THROW(handle.remove());
}

TEST_F(HooksTest, HookMayRemoveItself) {
  int calls = 0;
  HookHandle handle;
  handle = hooks().on_forward("head", [&](auto&&...) {
    ++calls;
    handle.remove();
  });
  steps(3);
  EXPECT_EQ(calls, 1);
}

TEST_F(HooksTest, ExceptionOfAForwardHookReachesTheUser) {
  auto handle = hooks().on_forward("head", [](auto&&...) { throw std::domain_error("of the user"); });
  EXPECT_THROW(steps(1), std::domain_error);
  handle.remove();
  EXPECT_NO_THROW(steps(2));
}

TEST_F(HooksTest, ExceptionOfABackwardHookReachesTheUser) {
  auto handle = hooks().on_backward("encoder.0", [](auto&&...) { throw std::domain_error("of the user"); });
  EXPECT_THROW(steps(1), std::domain_error);
  handle.remove();
  EXPECT_NO_THROW(steps(2));
}

TEST_F(HooksTest, WhatAHookComputesIsNotTakenForTheModels) {
  auto handle = hooks().on_forward("encoder.0", [](const auto&, const auto&, const auto& outputs) {
    (void)torch::log(outputs.at(0) * 0).sum().template item<float>();
  });
  steps(20);
  EXPECT_EQ(kinds(monitor_.report()), "");
}

TEST_F(HooksTest, ForwardPassesWithoutGradientsAreNotHooked) {
  auto handle = hooks().on_forward("head", [&](const auto& path, const auto&, const auto&) { seen_.push_back(path); });
  {
    torch::NoGradGuard no_grad;
    model_.forward(torch::randn({3, 4}));
  }
  EXPECT_THAT(seen_, IsEmpty());
}

}  // namespace
}  // namespace sonde::tests
