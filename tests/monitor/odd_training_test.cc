#include <limits>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/training.h"

namespace sonde::tests {
namespace {

class OddTraining : public testing::Test {
 protected:
  Net net_;
  torch::optim::SGD optimizer_{net_.parameters(), 0.01};
};

// Identity whose backward pass throws.
struct Stumble : torch::autograd::Function<Stumble> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) { return x.clone(); }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext*, const torch::autograd::tensor_list&) {
    throw std::out_of_range("stumbled");
  }
};

TEST_F(OddTraining, SparseGradientsAreNoFault) {
  torch::nn::Embedding embedding(torch::nn::EmbeddingOptions(20, 4).sparse(true));
  torch::optim::SGD optimizer(embedding->parameters(), 0.1);
  Monitor monitor(embedding, optimizer, observed());
  for (int step = 0; step < 12; ++step) {
    optimizer.zero_grad();
    const auto words = torch::randint(20, {32}, torch::kLong);
    monitor.backward(torch::mse_loss(embedding(words), words.unsqueeze(1).expand({32, 4}) / 20.0));
    optimizer.step();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST_F(OddTraining, LayerThatIsNotUsedYetIsNoFault) {
  struct Switching : torch::nn::Module {
    Switching() {
      register_module("fc", fc);
      register_module("later", later);
    }
    torch::Tensor forward(const torch::Tensor& x) { return switched ? fc(x) + later(x) : fc(x); }
    torch::nn::Linear fc{4, 1}, later{4, 1};
    bool switched = false;
  } net;
  torch::optim::SGD optimizer(net.parameters(), 0.05);
  Monitor monitor(net, optimizer, observed());
  train(net, optimizer, monitor, 20);
  net.switched = true;
  train(net, optimizer, monitor, 20);
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST_F(OddTraining, LayersAddedLaterAreWatchedFromThenOn) {
  torch::nn::Sequential net(torch::nn::Linear(4, 8), torch::nn::Tanh());
  net->push_back(torch::nn::Linear(8, 1));
  auto optimizer = std::make_unique<torch::optim::SGD>(net->parameters(), 0.05);
  Monitor monitor(net, *optimizer, observed());
  train(*net, *optimizer, monitor, 10);
  net->push_back(torch::nn::Tanh());
  net->push_back(torch::nn::Linear(1, 1));
  optimizer = std::make_unique<torch::optim::SGD>(net->parameters(), 0.05);
  monitor.follow(*optimizer);
  int calls = 0;
  train(*net, *optimizer, monitor, 10);
  auto handle = monitor.hooks().on_forward("4", [&](auto&&...) { ++calls; });
  train(*net, *optimizer, monitor, 2);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(monitor.report().context.steps, 22u);
}

TEST_F(OddTraining, ParametersMayBeLoadedAndConverted) {
  torch::nn::Linear net(4, 1);
  torch::optim::SGD optimizer(net->parameters(), 0.05);
  Monitor monitor(net, optimizer, observed());
  train(*net, optimizer, monitor, 10);
  std::stringstream memory;
  torch::save(net, memory);
  torch::load(net, memory);
  train(*net, optimizer, monitor, 10);
  net->to(torch::kDouble);
  for (int step = 0; step < 10; ++step) {
    const Batch batch;
    optimizer.zero_grad();
    monitor.backward(torch::mse_loss(net->forward(batch.x.to(torch::kDouble)), batch.y.to(torch::kDouble)));
    optimizer.step();
  }
  const auto report = monitor.report();
  EXPECT_EQ(report.context.steps, 30u);
  EXPECT_EQ(kinds(report), "");
}

TEST_F(OddTraining, ExceptionOfTheBackwardPassIsPassedOn) {
  Monitor monitor(net_, optimizer_, observed());
  train(net_, optimizer_, monitor, 3);
  const Batch batch;
  const auto loss = torch::mse_loss(Stumble::apply(net_.forward(batch.x)), batch.y);
  EXPECT_THROW(monitor.backward(loss), std::out_of_range);
  EXPECT_NO_THROW(train(net_, optimizer_, monitor, 3));
  EXPECT_TRUE(not_observed(monitor.report(), "exception"));
}

TEST_F(OddTraining, ExceptionOfTheForwardFunctionIsPassedOn) {
  Monitor monitor(net_, optimizer_, observed());
  const std::function<torch::Tensor()> failing = []() -> torch::Tensor { throw std::out_of_range("stumbled"); };
  EXPECT_THROW(monitor.backward(failing), std::out_of_range);
  EXPECT_NO_THROW(train(net_, optimizer_, monitor, 3));
}

TEST_F(OddTraining, SecondBackwardThroughAFreedGraphFailsAsInLibTorch) {
  Monitor monitor(net_, optimizer_, observed());
  const Batch batch;
  const auto loss = torch::mse_loss(net_.forward(batch.x), batch.y);
  monitor.backward(loss);
  EXPECT_THROW(monitor.backward(loss), std::exception);
  EXPECT_NO_THROW(train(net_, optimizer_, monitor, 3));
}

TEST_F(OddTraining, RetainedGraphMayBeUsedAgain) {
  Monitor monitor(net_, optimizer_, observed());
  const Batch batch;
  const auto loss = torch::mse_loss(net_.forward(batch.x), batch.y);
  monitor.backward(loss, /*retain_graph=*/true);
  const auto once = net_.fc1->weight.grad().clone();
  monitor.backward(loss);
  EXPECT_TRUE(torch::allclose(net_.fc1->weight.grad(), 2 * once));
}

TEST_F(OddTraining, MonitorMayOutliveModelAndOptimizer) {
  auto net = std::make_unique<Net>();
  auto optimizer = std::make_unique<torch::optim::SGD>(net->parameters(), 0.05);
  Monitor monitor(*net, *optimizer, observed());
  train(*net, *optimizer, monitor, 5);
  net.reset();
  optimizer.reset();
  EXPECT_EQ(monitor.report().context.steps, 5u);
}

TEST_F(OddTraining, MonitorDoesNotKeepTheModelAlive) {
  auto net = std::make_shared<Net>();
  const std::weak_ptr<Net> watch = net;
  auto weight = c10::weak_intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>(net->fc1->weight.getIntrusivePtr());
  std::optional<torch::optim::SGD> optimizer(std::in_place, net->parameters(), 0.05);
  Monitor monitor(std::shared_ptr<torch::nn::Module>(net), *optimizer, observed());
  train(*net, *optimizer, monitor, 5);
  optimizer.reset();
  net.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(weight.expired());
}

TEST_F(OddTraining, MonitorKeepsNoGraphAlive) {
  Monitor monitor(net_, optimizer_, observed());
  train(net_, optimizer_, monitor, 3);
  std::optional<c10::weak_intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>> hidden;
  {
    const Batch batch;
    const auto activation = torch::relu(net_.fc1(batch.x));
    hidden.emplace(activation.getIntrusivePtr());
    monitor.backward(torch::mse_loss(net_.fc2(activation), batch.y));
  }
  EXPECT_TRUE(hidden->expired());
}

TEST_F(OddTraining, ModelTrainsOnAfterTheMonitor) {
  {
    Monitor monitor(net_, optimizer_, observed());
    train(net_, optimizer_, monitor, 5);
  }
  const auto before = copy_of_weights(net_);
  torch::mse_loss(net_.forward(torch::randn({8, 4})), torch::zeros({8, 1})).backward();
  optimizer_.step();
  EXPECT_FALSE(weights_are(net_, before));
}

TEST_F(OddTraining, MonitorMayDieBetweenForwardAndBackward) {
  auto monitor = std::make_unique<Monitor>(net_, optimizer_, observed());
  train(net_, optimizer_, *monitor, 3);
  const auto loss = torch::mse_loss(net_.forward(torch::randn({8, 4})), torch::zeros({8, 1}));
  monitor.reset();
  EXPECT_NO_THROW(loss.backward());
}

TEST_F(OddTraining, MonitorMayBeMoved) {
  Monitor first(net_, optimizer_, observed());
  train(net_, optimizer_, first, 5);
  Monitor second(std::move(first));
  train(net_, optimizer_, second, 5);
  EXPECT_EQ(second.report().context.steps, 10u);
}

TEST_F(OddTraining, TrainingMayMoveToAnotherThread) {
  Monitor monitor(net_, optimizer_, observed());
  train(net_, optimizer_, monitor, 10);
  std::thread([&] { train(net_, optimizer_, monitor, 10); }).join();
  train(net_, optimizer_, monitor, 10);
  const auto report = monitor.report();
  EXPECT_EQ(report.context.steps, 30u);
  EXPECT_EQ(kinds(report), "");
}

TEST_F(OddTraining, MonitorMayDieOnAnotherThread) {
  auto monitor = std::make_unique<Monitor>(net_, optimizer_, observed());
  train(net_, optimizer_, *monitor, 5);
  std::thread([&] { monitor.reset(); }).join();
  EXPECT_NO_THROW(net_.forward(torch::randn({8, 4})));
}

TEST_F(OddTraining, InferenceOnOtherThreadsIsNotTakenForTraining) {
  Monitor monitor(net_, optimizer_, observed());
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) torch::log(net_.forward(torch::zeros({8, 4})) * 0);
  });
  const auto x = torch::randn({16, 4});
  for (int step = 0; step < 10; ++step) {
    torch::mse_loss(net_.forward(x), x.sum(1, true));
    monitor.backward(torch::mse_loss(net_.forward(x), x.sum(1, true)));
  }
  other.join();
  EXPECT_EQ(find(monitor.report(), "non-finite"), nullptr);
}

TEST_F(OddTraining, ManyModelsMayTrainOnTheirOwnThreads) {
  std::vector<std::thread> threads;
  std::array<std::uint64_t, 4> steps{};
  for (auto& count : steps) {
    threads.emplace_back([&count] {
      Net net;
      torch::optim::SGD optimizer(net.parameters(), 0.05);
      Monitor monitor(net, optimizer);
      train(net, optimizer, monitor, 50);
      count = monitor.report().context.steps;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(steps, testing::Each(50u));
}

TEST_F(OddTraining, TwoMonitorsMayWatchOneModel) {
  Monitor first(net_, optimizer_, observed()), second(net_, optimizer_, observed());
  for (int step = 0; step < 15; ++step) {
    const Batch batch;
    optimizer_.zero_grad();
    const auto loss = torch::mse_loss(net_.forward(batch.x), batch.y);
    first.backward(loss);
    second.check(loss);
    optimizer_.step();
  }
  for (auto* monitor : {&first, &second}) {
    const auto report = monitor->report();
    EXPECT_EQ(report.context.steps, 15u);
    EXPECT_EQ(kinds(report), "");
  }
}

TEST_F(OddTraining, PausedForwardPassesAreNotTakenForTraining) {
  Monitor monitor(net_, optimizer_, observed());
  for (int step = 0; step < 15; ++step) {
    {
      auto pause = monitor.pause();
      auto nested = monitor.pause();
      torch::log(net_.forward(torch::zeros({8, 4})) * 0);
    }
    train_step(net_, optimizer_, monitor);
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST_F(OddTraining, HalfPrecisionsAndDoubleAreWatched) {
  for (const auto type : {torch::kBFloat16, torch::kDouble}) {
    Net net;
    net.to(type);
    torch::optim::SGD optimizer(net.parameters(), 0.01);
    Monitor monitor(net, optimizer, observed());
    for (int step = 0; step < 15; ++step) {
      const Batch batch;
      optimizer.zero_grad();
      monitor.backward((net.forward(batch.x.to(type)) - batch.y.to(type)).pow(2).mean());
      optimizer.step();
    }
    EXPECT_EQ(kinds(monitor.report()), "");
  }
}

TEST_F(OddTraining, ComplexParametersAreRecordedAsNotObserved) {
  auto weight = torch::randn({4, 1}, torch::TensorOptions(torch::kComplexFloat)).set_requires_grad(true);
  torch::optim::SGD optimizer({weight}, 0.01);
  Monitor monitor(NamedTensors{{"weight", weight}}, optimizer, observed());
  for (int step = 0; step < 15; ++step) {
    optimizer.zero_grad();
    monitor.backward(torch::abs(torch::randn({16, 4}, torch::kComplexFloat).mm(weight)).mean());
    optimizer.step();
  }
  const auto report = monitor.report();
  EXPECT_EQ(report.context.steps, 15u);
  EXPECT_TRUE(not_observed(report, "weight"));
}

// Gradients that join at a residual connection, and one that a hook of the program's exchanges on its way.
class ExchangedGradients : public testing::Test {
 protected:
  Report train(double factor) {
    torch::manual_seed(3);
    torch::nn::Linear first(4, 8), second(8, 8), last(8, 1);
    torch::nn::Sequential net(first, second, last);
    torch::optim::SGD optimizer(net->parameters(), 0.01);
    Monitor monitor(net, optimizer, observed());
    for (int step = 0; step < 12; ++step) {
      optimizer.zero_grad();
      const auto x = torch::randn({32, 4});
      const auto h = torch::tanh(first(x));
      const auto g = torch::tanh(second(h));
      g.register_hook([factor](const torch::Tensor& gradient) { return gradient * factor; });
      monitor.backward(torch::mse_loss(last(h + g + h), x.sum(1, true)));
      optimizer.step();
    }
    return monitor.report();
  }
};

TEST_F(ExchangedGradients, AreNoFaultIfTheyAreFinite) { EXPECT_EQ(kinds(train(0.5)), ""); }

TEST_F(ExchangedGradients, AreSeenToBeNan) {
  EXPECT_THAT(kinds(train(std::numeric_limits<double>::quiet_NaN())), testing::HasSubstr("non-finite"));
}

TEST_F(OddTraining, GradientsThatNobodyKeepsAreNotSeen) {  // torch::autograd::grad inside of the loss
  Monitor monitor(net_, optimizer_, observed());
  for (int step = 0; step < 15; ++step) {
    optimizer_.zero_grad();
    const auto x = torch::randn({16, 4}).set_requires_grad(true);
    const auto y = net_.forward(x);
    const auto slope = torch::autograd::grad({y.sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
    monitor.backward(torch::mse_loss(y, x.detach().sum(1, true)) + 0.1 * slope.pow(2).mean());
    optimizer_.step();
  }
  EXPECT_EQ(kinds(monitor.report()), "");
}

}  // namespace
}  // namespace sonde::tests
