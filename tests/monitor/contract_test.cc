// The rules of the training loop: for each a program that breaks it and the healthy programs that look alike.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

using torch::nn::Linear;

class ContractTest : public testing::Test {
 protected:
  Net net_;
  torch::optim::SGD optimizer_{net_.parameters(), 0.02};
};

TEST_F(ContractTest, UsualLoopIsSilent) { EXPECT_EQ(kinds(run(net_, optimizer_)), ""); }

// parameter_not_registered

struct Forgetful : torch::nn::Module {
  explicit Forgetful(bool registers) {
    register_module("fc1", fc1);
    if (registers) register_module("middle", middle);
    register_module("fc2", fc2);
  }
  torch::Tensor forward(const torch::Tensor& x) { return fc2(torch::tanh(middle(torch::tanh(fc1(x))))); }
  Linear fc1{4, 8}, middle{8, 8}, fc2{8, 1};
};

TEST_F(ContractTest, LayerThatIsNotRegisteredIsFound) {
  Forgetful model(false);
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  const auto report = run(model, optimizer);
  const auto* finding = find(report, "parameter-not-registered");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->causes.front().cause, Cause::parameter_not_registered);
}

TEST_F(ContractTest, RegisteredLayerIsSilent) {
  Forgetful model(true);
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  EXPECT_EQ(kinds(run(model, optimizer)), "");
}

TEST_F(ContractTest, LayerOfAnotherModelThatTrainsItselfIsSilent) {
  Forgetful model(false);
  torch::optim::SGD optimizer(model.parameters(), 0.02), optimizer_of_middle(model.middle->parameters(), 0.02);
  Monitor monitor(model, optimizer, observed());
  for (int step = 0; step < 60; ++step) {
    optimizer_of_middle.zero_grad();
    train_step(model, optimizer, monitor);
    optimizer_of_middle.step();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

// parameter_not_optimized

TEST_F(ContractTest, LayerThatNoOptimizerHoldsIsFound) {
  torch::optim::SGD optimizer(net_.fc2->parameters(), 0.02);
  const auto report = run(net_, optimizer);
  const auto* finding = find(report, "parameter-not-optimized");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->origin.where.layer, "fc1");
}

TEST_F(ContractTest, LayerOfASecondOptimizerIsSilent) {
  torch::optim::SGD first(net_.fc1->parameters(), 0.02), second(net_.fc2->parameters(), 0.02);
  Monitor monitor(net_, first, observed());
  monitor.follow({&first, &second});
  for (int step = 0; step < 60; ++step) {
    second.zero_grad();
    train_step(net_, first, monitor);
    second.step();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST_F(ContractTest, LayerOfASecondOptimizerThatIsNotFollowedIsSilent) {
  torch::optim::SGD first(net_.fc1->parameters(), 0.02), second(net_.fc2->parameters(), 0.02);
  Monitor monitor(net_, first, observed());
  for (int step = 0; step < 60; ++step) {
    second.zero_grad();
    train_step(net_, first, monitor);
    second.step();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST_F(ContractTest, OptimizersOfOneKindThatTakeLongTurnsAreSilentInBetween) {
  torch::optim::SGD first(net_.fc1->parameters(), 0.02), second(net_.fc2->parameters(), 0.02);
  Monitor monitor(net_, first, observed());
  monitor.follow({&first, &second});
  for (int step = 0; step < 6; ++step) {
    first.zero_grad();
    second.zero_grad();
    const Batch batch;
    monitor.backward(torch::mse_loss(net_.forward(batch.x), batch.y));
    second.step();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

// parameter_without_gradient, graph_cut, module_registered_not_used, parameter_frozen

struct Branching : torch::nn::Module {
  enum Way { joined, ignored, cut, unused };
  explicit Branching(Way way) : way(way) {
    register_module("trunk", trunk);
    register_module("branch", branch);
    register_module("head", head);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto h = torch::tanh(trunk(x));
    if (way == unused) return head(h);
    const auto side = torch::tanh(branch(x));
    if (way == ignored) return head(h);
    return head(h + (way == cut ? side.detach() : side));
  }
  Linear trunk{4, 8}, branch{4, 8}, head{8, 1};
  Way way;
};

Report run_branching(Branching::Way way) {
  Branching model(way);
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  return run(model, optimizer);
}

TEST_F(ContractTest, BranchThatTheLossIgnoresIsFound) {
  const auto report = run_branching(Branching::ignored);
  const auto* finding = find(report, "parameter-without-gradient");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->origin.where.layer, "branch");
}

TEST_F(ContractTest, BranchThatIsCutFromTheGraphIsFound) {
  const auto report = run_branching(Branching::cut);
  const auto* finding = find(report, "graph-cut");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->origin.where.layer, "branch");
  EXPECT_EQ(finding->causes.front().cause, Cause::detached_graph);
}

TEST_F(ContractTest, BranchThatIsNeverUsedIsWorthAnAdvice) {
  const auto report = run_branching(Branching::unused);
  const auto* finding = find(report, "module-not-used");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::advice);
  EXPECT_EQ(kinds(report), "");
}

TEST_F(ContractTest, BranchThatReachesTheLossIsSilent) {
  EXPECT_EQ(kinds(run_branching(Branching::joined), Severity::advice), "");
}

TEST_F(ContractTest, FrozenBranchBehindADetachIsSilent) {
  Branching model(Branching::cut);
  for (auto& parameter : model.branch->parameters()) parameter.set_requires_grad(false);
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  EXPECT_EQ(kinds(run(model, optimizer), Severity::advice), "");
}

// parameter_not_updated

Report run_with_rate_of_first_layer(Net& net, double rate) {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(net.fc1->parameters(), std::make_unique<torch::optim::SGDOptions>(rate));
  groups.emplace_back(net.fc2->parameters(), std::make_unique<torch::optim::SGDOptions>(0.02));
  torch::optim::SGD optimizer(groups, torch::optim::SGDOptions(0.02));
  return run(net, optimizer);
}

TEST_F(ContractTest, RateTooSmallToMoveALayerIsFound) {
  const auto report = run_with_rate_of_first_layer(net_, 1e-15);
  const auto* finding = find(report, "parameter-not-updated");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->origin.where.layer, "fc1");
}

TEST_F(ContractTest, SmallRateThatMovesALayerIsSilent) {
  EXPECT_EQ(find(run_with_rate_of_first_layer(net_, 1e-4), "parameter-not-updated"), nullptr);
}

// gradients_not_cleared

TEST_F(ContractTest, GradientsThatAreNeverClearedAreFound) {
  torch::optim::SGD optimizer(net_.parameters(), 1e-4);
  const auto report = run(net_, optimizer, 60, {.zero_grad = false});
  const auto* finding = find(report, "gradients-not-cleared");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->causes.front().cause, Cause::missing_zero_grad);
}

TEST_F(ContractTest, AccumulationOverFourBatchesIsSilent) {
  EXPECT_EQ(kinds(run(net_, optimizer_, 40, {.accumulate = 4})), "");
}

TEST_F(ContractTest, ClearingThroughTheModuleAfterTheStepIsSilent) {
  Monitor monitor(net_, optimizer_, observed());
  for (int step = 0; step < 40; ++step) {
    const Batch batch;
    monitor.backward(torch::mse_loss(net_.forward(batch.x), batch.y));
    optimizer_.step();
    net_.zero_grad();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

// step_missing, learning_rate_zero, learning_rate_in_defaults

TEST_F(ContractTest, MissingStepIsFound) {
  const auto report = run(net_, optimizer_, 60, {.step = false});
  const auto* finding = find(report, "step-missing");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_EQ(finding->severity, Severity::error);
  EXPECT_EQ(finding->causes.front().cause, Cause::missing_step);
}

TEST_F(ContractTest, LongAccumulationIsNotTakenForAMissingStep) {
  EXPECT_EQ(kinds(run(net_, optimizer_, 3, {.accumulate = 40})), "");
}

TEST_F(ContractTest, RateOfZeroIsFound) {
  torch::optim::SGD optimizer(net_.parameters(), 0.0);
  const auto report = run(net_, optimizer);
  EXPECT_NE(find(report, "learning-rate-zero"), nullptr) << kinds(report);
}

TEST_F(ContractTest, WarmUpFromZeroIsSilent) {
  Monitor monitor(net_, optimizer_, observed());
  for (int step = 0; step < 60; ++step) {
    optimizer_.param_groups()[0].options().set_lr(0.001 * std::min(step, 20));
    train_step(net_, optimizer_, monitor);
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST_F(ContractTest, RateSetInDefaultsIsFound) {
  Monitor monitor(net_, optimizer_, observed());
  train(net_, optimizer_, monitor, 20);
  static_cast<torch::optim::SGDOptions&>(optimizer_.defaults()).lr(0.002);
  train(net_, optimizer_, monitor, 20);
  const auto report = monitor.report();
  EXPECT_NE(find(report, "learning-rate-in-defaults"), nullptr) << kinds(report);
}

TEST_F(ContractTest, RateSetInTheGroupsIsSilent) {
  Monitor monitor(net_, optimizer_, observed());
  train(net_, optimizer_, monitor, 20);
  for (auto& group : optimizer_.param_groups()) group.options().set_lr(0.002);
  train(net_, optimizer_, monitor, 20);
  EXPECT_EQ(kinds(monitor.report()), "");
}

// eval_while_training

struct Dropping : torch::nn::Module {
  Dropping() {
    register_module("fc1", fc1);
    register_module("drop", drop);
    register_module("fc2", fc2);
  }
  torch::Tensor forward(const torch::Tensor& x) { return fc2(drop(torch::tanh(fc1(x)))); }
  Linear fc1{4, 16}, fc2{16, 1};
  torch::nn::Dropout drop{0.1};
};

TEST_F(ContractTest, EvalModeWithDropoutIsFound) {
  Dropping model;
  model.eval();
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  const auto report = run(model, optimizer);
  EXPECT_NE(find(report, "eval-while-training"), nullptr) << kinds(report);
}

TEST_F(ContractTest, TrainModeWithDropoutIsSilent) {
  Dropping model;
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  EXPECT_EQ(kinds(run(model, optimizer)), "");
}

TEST_F(ContractTest, EvalModeWithoutLayersThatCareIsSilent) {
  net_.eval();
  EXPECT_EQ(kinds(run(net_, optimizer_)), "");
}

TEST_F(ContractTest, EvalModeBetweenStepsIsSilent) {
  Dropping model;
  torch::optim::SGD optimizer(model.parameters(), 0.02);
  Monitor monitor(model, optimizer, observed());
  for (int step = 0; step < 40; ++step) {
    model.eval();
    model.forward(Batch().x);
    model.train();
    train_step(model, optimizer, monitor);
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

// batch_repeated

TEST_F(ContractTest, SameBatchOnEveryStepIsWorthAnAdvice) {
  Monitor monitor(net_, optimizer_, observed());
  const Batch batch;
  for (int step = 0; step < 60; ++step) {
    optimizer_.zero_grad();
    monitor.backward(torch::mse_loss(net_.forward(batch.x), batch.y));
    optimizer_.step();
  }
  const auto report = monitor.report();
  const auto* finding = find(report, "batch-repeated");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::advice);
  EXPECT_EQ(kinds(report), "");
}

TEST_F(ContractTest, FewBatchesInTurnAreNoRepeatedBatch) {
  Monitor monitor(net_, optimizer_, observed());
  const Batch batches[3];
  for (int step = 0; step < 60; ++step) {
    const auto& batch = batches[step % 3];
    optimizer_.zero_grad();
    monitor.backward(torch::mse_loss(net_.forward(batch.x), batch.y));
    optimizer_.step();
  }
  EXPECT_EQ(find(monitor.report(), "batch-repeated"), nullptr);
}

// loss_broadcast

Report run_with_target(Net& net, torch::optim::Optimizer& optimizer, bool keeps_dimension) {
  Monitor monitor(net, optimizer, observed());
  for (int step = 0; step < 40; ++step) {
    const auto x = torch::randn({16, 4});
    optimizer.zero_grad();
    const auto difference = net.forward(x) - x.sum(1, keeps_dimension);  // [16, 1] and [16] or [16, 1]
    monitor.backward(difference.pow(2).mean());
    optimizer.step();
  }
  return monitor.report();
}

TEST_F(ContractTest, PredictionAndTargetThatBroadcastAreFound) {
  const auto report = run_with_target(net_, optimizer_, false);
  const auto* finding = find(report, "loss-broadcast");
  ASSERT_NE(finding, nullptr) << kinds(report);
  EXPECT_THAT(finding->origin.message, testing::HasSubstr("[16, 1]"));
  EXPECT_EQ(finding->causes.front().cause, Cause::loss_broadcast);
}

TEST_F(ContractTest, PredictionAndTargetOfOneShapeAreSilent) {
  EXPECT_EQ(kinds(run_with_target(net_, optimizer_, true)), "");
}

}  // namespace
}  // namespace sonde::tests
