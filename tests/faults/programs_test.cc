// The interpreter: from a case to a real LibTorch program.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "faults/losses.h"
#include "faults/network.h"
#include "faults/readers.h"
#include "faults/training.h"
#include "tests/faults/sample_case.h"

namespace sonde::faults {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using torch::Tensor;

// Remembers what a monitor would be shown.
class Witness : public Watch {
 public:
  void attach(torch::nn::Module& model, torch::optim::Optimizer& optimizer) override {
    for (const auto& item : model.named_parameters()) names.push_back(item.key());
    optimised = optimizer.param_groups().at(0).params();
    parameters = model.parameters();
    start = snapshot();
  }
  void backward(const Tensor& loss) override {
    backwards += 1;
    loss.backward();
    norms.push_back(parameters.at(0).grad().defined() ? parameters.at(0).grad().norm().item<double>() : 0);
  }
  void finish() override { end = snapshot(); }

  std::vector<std::string> names;
  std::vector<Tensor> optimised, parameters;
  std::vector<double> norms;
  std::vector<Tensor> start, end;
  int backwards = 0;

 private:
  std::vector<Tensor> snapshot() const {
    std::vector<Tensor> copies;
    for (const Tensor& parameter : parameters) copies.push_back(parameter.detach().clone());
    return copies;
  }
};

// Trains the sample's repaired program with its loop changed.
Outcome run(Witness& witness, const json& loop = json::object(), const json& changes = json::object()) {
  json document = testing::sample_case();
  document["optimizer"]["lr"] = 0.1;
  document["loop"] = loop;
  document.merge_patch(changes);
  document["patch"] = json::array();
  return train(read_case(document).program, 1, SONDE_DIGITS, witness);
}

LossSpec loss_of(const char* type, bool sum = false) { return {type, sum}; }

TEST(Losses, TheCompositesAreWhatTheyAreOnPaper) {
  const Tensor output = torch::tensor({{1.0, 3.0}, {2.0, 2.0}});
  const Tensor target = torch::tensor({{0.0, 1.0}, {1.0, 0.0}});
  const double expected = -(std::log(0.75) + std::log(0.5)) / 2;
  EXPECT_NEAR(compute_loss(loss_of("cce_probs"), output, target).item<double>(), expected, 1e-6);
  EXPECT_NEAR(compute_loss(loss_of("scce_probs"), output, torch::tensor({1, 0})).item<double>(), expected, 1e-6);
  EXPECT_NEAR(compute_loss(loss_of("cce_probs", true), output, target).item<double>(), 2 * expected, 1e-6);
  EXPECT_NEAR(compute_loss(loss_of("cce_unclamped"), output, target).item<double>(), -(std::log(3) + std::log(2)) / 2,
              1e-6);
  EXPECT_NEAR(compute_loss(loss_of("bce_probs"), torch::tensor({0.0}), torch::tensor({1.0})).item<double>(),
              -std::log(1e-7), 1e-3);
  EXPECT_NEAR(compute_loss(loss_of("hinge"), torch::tensor({0.5, 3.0}), torch::tensor({1.0, 1.0})).item<double>(), 0.25,
              1e-6);
}

TEST(Losses, ProbabilitiesWithoutTheClampGiveInfinities) {
  const Tensor output = torch::tensor({{0.0, 1.0}});
  const Tensor target = torch::tensor({{1.0, 0.0}});
  EXPECT_TRUE(std::isinf(compute_loss(loss_of("cce_unclamped"), output, target).item<double>()));
  EXPECT_TRUE(std::isfinite(compute_loss(loss_of("cce_probs"), output, target).item<double>()));
}

TEST(Network, IsAModuleTreeUnderTheNamesOfTheLayers) {
  const std::vector<LayerSpec> layers = read_layers(json::parse(R"([
      {"type": "Linear", "name": "first", "in": 4, "out": 6, "init": {"weight": "zeros", "bias": {"constant": 2}}},
      {"type": "Residual", "name": "block", "body": [{"type": "Linear", "name": "inner", "in": 6, "out": 6},
                                                     {"type": "Tanh", "name": "act", "functional": true}]},
      {"type": "Softmax", "name": "softmax", "dim": 1}])"),
                                                    "/model");
  Network network(layers, std::vector<std::string>{}, std::nullopt);
  std::vector<std::string> names;
  for (const auto& item : network->named_modules("", false)) names.push_back(item.key());
  EXPECT_THAT(names, ElementsAre("first", "block", "block.inner", "softmax"));
  EXPECT_TRUE(network->named_parameters()["first.bias"].eq(2).all().item<bool>());
  const Tensor y = network->forward(torch::randn({3, 4}));
  EXPECT_TRUE(torch::allclose(y.sum(1), torch::ones({3})));
}

TEST(Network, EveryLayerTypeRuns) {
  const std::vector<LayerSpec> layers = read_layers(json::parse(R"([
      {"type": "Conv2d", "name": "conv", "in": 2, "out": 4, "kernel": 3, "padding": "same", "groups": 2},
      {"type": "BatchNorm2d", "name": "bn", "features": 4}, {"type": "LeakyReLU", "name": "leaky"},
      {"type": "MaxPool2d", "name": "max", "kernel": 2}, {"type": "Upsample", "name": "up", "scale": 2},
      {"type": "AvgPool2d", "name": "avg", "kernel": 2, "functional": true},
      {"type": "ConvTranspose2d", "name": "transposed", "in": 4, "out": 3, "kernel": 2, "stride": 2},
      {"type": "Dropout2d", "name": "drop2d", "functional": true}, {"type": "AdaptiveAvgPool2d", "name": "adaptive", "output": 4},
      {"type": "Reshape", "name": "sequence", "shape": [6, 8]}, {"type": "LayerNorm", "name": "ln", "shape": 8},
      {"type": "LSTM", "name": "lstm", "input": 8, "hidden": 5, "bidirectional": true, "init": {"weight": "xavier_uniform"}},
      {"type": "GRU", "name": "gru", "input": 10, "hidden": 4, "layers": 2},
      {"type": "Conv1d", "name": "conv1d", "in": 6, "out": 6, "kernel": 3, "padding": 1},
      {"type": "MaxPool1d", "name": "pool1d", "kernel": 2, "functional": true},
      {"type": "RNN", "name": "rnn", "input": 2, "hidden": 3, "select": "last"},
      {"type": "Normalize", "name": "norm", "eps": 1e-6}, {"type": "Exp", "name": "exp"}, {"type": "Log", "name": "log"},
      {"type": "Square", "name": "square"}, {"type": "Sqrt", "name": "sqrt"}, {"type": "GELU", "name": "gelu"},
      {"type": "LogSoftmax", "name": "out"}])"),
                                                    "/model");
  Network network(layers, std::vector<std::string>{}, std::nullopt);
  const Tensor y = network->forward(torch::randn({5, 2, 8, 8}));
  EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{5, 3}));
  EXPECT_TRUE(y.isfinite().all().item<bool>());
}

TEST(Training, ACorrectLoopTrainsAllParametersAndIsTheSameTwice) {
  Witness first, second;
  const Outcome outcome = run(first);
  static_cast<void>(run(second));
  EXPECT_EQ(outcome.steps, 8);
  EXPECT_THAT(outcome.stopped_by, IsEmpty());
  EXPECT_THAT(first.names, ElementsAre("fc.weight", "fc.bias", "out.weight", "out.bias"));
  for (std::size_t i = 0; i < first.end.size(); ++i) {
    EXPECT_FALSE(first.start[i].equal(first.end[i]));
    EXPECT_TRUE(first.end[i].equal(second.end[i]));
  }
}

TEST(Training, WithoutStepNothingMoves) {
  Witness witness;
  static_cast<void>(run(witness, {{"step", false}}));
  EXPECT_TRUE(witness.start[0].equal(witness.end[0]));
}

TEST(Training, WithoutZeroGradGradientsGrow) {
  Witness with, without;
  static_cast<void>(run(with, {{"repeat_batch", true}, {"lr_zero_after", 0}}));
  static_cast<void>(run(without, {{"repeat_batch", true}, {"lr_zero_after", 0}, {"zero_grad", false}}));
  EXPECT_NEAR(with.norms[3], with.norms[0], 1e-5);
  EXPECT_NEAR(without.norms[3], 4 * without.norms[0], 1e-4);
}

TEST(Training, FrozenUnregisteredAndUnoptimisedLayersAreThat) {
  Witness frozen, unregistered, partial;
  static_cast<void>(run(frozen, {{"freeze", {"fc"}}}));
  EXPECT_TRUE(frozen.start[0].equal(frozen.end[0]));
  EXPECT_FALSE(frozen.start[2].equal(frozen.end[2]));
  static_cast<void>(run(unregistered, {{"unregistered", {"fc"}}}));
  EXPECT_THAT(unregistered.names, ElementsAre("out.weight", "out.bias"));
  static_cast<void>(run(partial, {{"optimizer_only", {"out"}}}));
  EXPECT_EQ(partial.optimised.size(), 2U);
}

TEST(Training, ACutGraphGivesNoGradientBeforeTheCut) {
  Witness witness;
  static_cast<void>(run(witness, {{"detach_after", "act"}}));
  EXPECT_EQ(witness.norms[0], 0);
  EXPECT_FALSE(witness.start[2].equal(witness.end[2]));
}

TEST(Training, AStaleOptimizerHoldsOtherTensors) {
  Witness witness;
  static_cast<void>(run(witness, {{"optimizer_stale", true}}));
  EXPECT_EQ(witness.optimised.size(), witness.parameters.size());
  EXPECT_FALSE(witness.optimised[0].is_same(witness.parameters[0]));
}

TEST(Training, LbfgsRunsThroughItsClosure) {
  Witness witness;
  const Outcome outcome = run(witness, json::object(), {{"optimizer", {{"type", "LBFGS"}}}, {"max_steps", 2}});
  EXPECT_EQ(outcome.steps, 2);
  EXPECT_GT(witness.backwards, 2);
}

TEST(Training, WhatTheProgramThrowsIsPartOfTheOutcome) {
  Witness witness;
  const Outcome outcome = run(witness, json::object(), {{"model", json::parse(R"([
      {"type": "Linear", "name": "out", "in": 4, "out": 2}])")}});
  EXPECT_THAT(outcome.stopped_by, ::testing::HasSubstr("out of bounds"));
}

}  // namespace
}  // namespace sonde::faults
