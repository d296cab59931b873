// Rules before the first update, in real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sonde/rules.h>

#include "monitor/inspect.h"
#include "monitor/training.h"
#include "rules/meta_model.h"

namespace sonde::tests {
namespace {

using torch::nn::Embedding;
using torch::nn::Functional;
using torch::nn::Linear;
using torch::nn::Sequential;

Sequential classifier(int classes) {
  torch::manual_seed(1);
  return Sequential(Linear(4, 16), Functional(torch::relu), Linear(16, classes));
}

// The report after one backward pass, before any update.
template <typename Loss>
Report first_look(Sequential& net, torch::optim::Optimizer& optimizer, const Loss& loss, Options options = observed()) {
  Monitor monitor(net, optimizer, std::move(options));
  monitor.backward(loss());
  return monitor.report();
}

TEST(Rules, ASoftmaxBeforeCrossEntropyIsToldBeforeTheFirstUpdate) {
  for (const bool sick : {true, false}) {
    auto net = classifier(3);
    torch::optim::SGD optimizer(net->parameters(), 0.05);
    const auto report = first_look(net, optimizer, [&] {
      auto out = net->forward(torch::randn({32, 4}));
      if (sick) out = torch::softmax(out, 1);
      return torch::nn::functional::cross_entropy(out, torch::randint(3, {32}));
    });
    EXPECT_EQ(find(report, "loss-mismatch") != nullptr, sick) << kinds(report, Severity::advice);
    EXPECT_EQ(report.context.task, "multiclass");
  }
}

TEST(Rules, AnErrorOfTheFirstStepAbortsBeforeTheFirstUpdate) {
  for (const int units : {1, 2}) {
    auto net = classifier(units);
    torch::optim::SGD optimizer(net->parameters(), 0.05);
    Options options;  // with the analysis on its own thread
    options.on_fault = OnFault::abort;
    const auto look = [&] {
      first_look(
          net, optimizer,
          [&] {
            const auto out = torch::softmax(net->forward(torch::randn({32, 4})), 1);
            return torch::mse_loss(out,
                                   torch::one_hot(torch::randint(2, {32}), 2).narrow(1, 0, units).to(torch::kFloat));
          },
          options);
    };
    if (units == 1) {
      EXPECT_THROW(look(), FaultFound);
    } else {
      EXPECT_NO_THROW(look());
    }
  }
}

TEST(Rules, ARateOutOfTheUsualIsAdvice) {
  for (const double rate : {0.5, 0.001}) {
    auto net = classifier(3);
    torch::optim::Adam optimizer(net->parameters(), rate);
    const auto report = first_look(net, optimizer, [&] {
      return torch::nn::functional::cross_entropy(net->forward(torch::randn({32, 4})), torch::randint(3, {32}));
    });
    EXPECT_EQ(report.count(Severity::warning), 0U);
    EXPECT_EQ(find(report, "learning-rate-range") != nullptr, rate > 0.01) << kinds(report, Severity::advice);
  }
}

TEST(Rules, ATaskThatContradictsTheProgramIsAWarning) {
  for (const char* task : {"regression", "multiclass"}) {
    auto net = classifier(3);
    torch::optim::SGD optimizer(net->parameters(), 0.05);
    auto options = observed();
    options.task = task;
    const auto report = first_look(
        net, optimizer,
        [&] {
          return torch::nn::functional::cross_entropy(net->forward(torch::randn({32, 4})), torch::randint(3, {32}));
        },
        options);
    EXPECT_EQ(find(report, "task") != nullptr, std::string(task) == "regression") << kinds(report);
  }
}

struct NoNarrowLayers : Rule {
  [[nodiscard]] std::string_view name() const noexcept override { return "no-narrow-layers"; }
  [[nodiscard]] std::vector<Violation> check(const MetaModel& model) const override {
    std::vector<Violation> found;
    for (const Operation& layer : model.operations) {
      if (!layer.is_layer() || layer.fan_out >= 8) continue;
      Violation violation;
      violation.severity = Severity::warning;
      violation.operation = layer.id;
      violation.message = layer.layer + " is narrow";
      violation.causes.push_back({Cause::wrong_layer_width, 0.9, layer.id, {}, violation.message, "widen it"});
      found.push_back(violation);
    }
    return found;
  }
};

TEST(Rules, AUserMaySwitchOneOffAndAddOne) {
  auto net = classifier(3);
  torch::optim::Adam optimizer(net->parameters(), 0.5);
  auto options = observed();
  options.rules_off = {"learning-rate-range"};
  options.own_rules = {std::make_shared<NoNarrowLayers>()};
  const auto report = first_look(
      net, optimizer,
      [&] {
        return torch::nn::functional::cross_entropy(net->forward(torch::randn({32, 4})), torch::randint(3, {32}));
      },
      options);
  EXPECT_EQ(find(report, "learning-rate-range"), nullptr) << kinds(report, Severity::advice);
  const auto* own = find(report, "no-narrow-layers");
  ASSERT_NE(own, nullptr) << kinds(report, Severity::advice);
  EXPECT_EQ(own->origin.where.layer, "2");
  EXPECT_EQ(own->causes.front().fix, "widen it");
}

TEST(Rules, AnUnknownNameIsRefused) {
  Options options;
  options.rules_off = {"no-such-rule"};
  EXPECT_THROW(options.validate(), std::invalid_argument);
  options.rules_off.clear();
  options.task = "magic";
  EXPECT_THROW(options.validate(), std::invalid_argument);
}

struct Tied : torch::nn::Module {
  Tied() {
    torch::manual_seed(1);
    register_module("emb", emb);
    register_module("fc", fc);
    register_module("head", head);
    head->weight = head->register_parameter("weight_of_emb", emb->weight);
  }
  torch::Tensor forward(const torch::Tensor& x) { return head(torch::relu(fc(emb(x).mean(1)))); }
  Embedding emb{10, 6};
  Linear fc{6, 6}, head{6, 10};
};

TEST(MetaModelOfAProgram, HasOptimizerGroupsModesAndTiedParameters) {
  Tied model;
  model.fc->eval();
  torch::optim::SGD optimizer({torch::optim::OptimizerParamGroup(model.emb->parameters()),
                               torch::optim::OptimizerParamGroup(model.fc->parameters())},
                              torch::optim::SGDOptions(0.1).momentum(0.9));
  Monitor monitor(model, optimizer, observed());
  monitor::Inspector inspector(monitor);
  monitor.backward(
      torch::nn::functional::cross_entropy(model.forward(torch::randint(10, {32, 5})), torch::arange(32) % 10));
  const auto meta = rules::read_meta_model(inspector.catalog(), inspector.records());
  ASSERT_EQ(meta.groups.size(), 2U);
  EXPECT_EQ(meta.groups[0].optimizer, "SGD");
  EXPECT_EQ(meta.groups[1].momentum, 0.9);
  EXPECT_THAT(meta.groups[1].parameters, testing::ElementsAre("fc.weight", "fc.bias"));
  ASSERT_EQ(meta.modules.size(), 4U);
  for (const auto& module : meta.modules) EXPECT_EQ(module.training, module.path != "fc") << module.path;
  ASSERT_EQ(meta.tied.size(), 1U);
  EXPECT_THAT(meta.tied[0], testing::UnorderedElementsAre("emb.weight", "head.weight_of_emb"));
  EXPECT_EQ(meta.labels.distinct, 10U);
  EXPECT_TRUE(meta.labels.integral);
}

TEST(MetaModelOfAProgram, HasTheColumnsOfATable) {
  auto net = classifier(3);
  torch::optim::SGD optimizer(net->parameters(), 0.05);
  Monitor monitor(net, optimizer, observed());
  monitor::Inspector inspector(monitor);
  auto x = torch::randn({64, 4});
  x.select(1, 2).fill_(7);
  monitor.backward(torch::nn::functional::cross_entropy(net->forward(x), torch::randint(3, {64})));
  const auto meta = rules::read_meta_model(inspector.catalog(), inspector.records());
  ASSERT_EQ(meta.input.features.size(), 4U);
  EXPECT_EQ(meta.input.features[2].min, 7);
  EXPECT_EQ(meta.input.features[2].deviation, 0);
  EXPECT_NEAR(meta.input.features[0].mean, x.select(1, 0).mean().item<double>(), 1e-6);
  EXPECT_NE(find(monitor.report(), "constant-feature"), nullptr);
  EXPECT_EQ(meta.labels.distinct, 3U);
}

}  // namespace
}  // namespace sonde::tests
