// Layers that are frozen: by mistake, or as a healthy program has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

TEST(FrozenTest, FrozenLayerIsSilent) {
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.02);
  for (auto& parameter : net.fc1->parameters()) parameter.set_requires_grad(false);
  EXPECT_EQ(kinds(run(net, optimizer), Severity::advice), "");
}

struct Encoder : torch::nn::Module {
  Encoder() {
    register_module("encoder", encoder);
    register_module("head", head);
    for (auto& parameter : encoder->parameters()) parameter.set_requires_grad(false);
  }
  torch::Tensor forward(const torch::Tensor& x) { return head(torch::tanh(encoder(x.repeat({1, 8})))); }
  torch::nn::Linear encoder{32, 4}, head{4, 1};
};

TEST(FrozenTest, FrozenLayerAtItsInitialValuesThatTheOptimizerWasGivenIsFound) {
  Encoder model;
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  const auto report = run(model, optimizer);
  const auto* finding = find(report, "parameter-frozen");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->origin.where.layer, "encoder");
  EXPECT_EQ(finding->causes.front().cause, Cause::frozen_parameter);
}

TEST(FrozenTest, RandomFeaturesThatTheOptimizerWasNotGivenAreSilent) {
  Encoder model;
  torch::optim::SGD optimizer(model.head->parameters(), 0.02);
  EXPECT_EQ(kinds(run(model, optimizer)), "");
}

TEST(FrozenTest, FrozenLayerThatWasTrainedIsSilent) {
  Encoder model;
  {
    torch::NoGradGuard no_grad;
    model.encoder->weight.mul_(1.5);
  }
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  EXPECT_EQ(kinds(run(model, optimizer)), "");
}

}  // namespace
}  // namespace sonde::tests
