#include "probes/op_observer.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace sonde::probes {
namespace {

class Nobody : public OpSubscriber {
 public:
  bool is_state(const c10::StorageImpl*) const override { return false; }
  void before(const OpInfo&, std::span<const c10::IValue>) override {}
  void after(const OpInfo&, std::span<const c10::IValue>) override {}
};

class OpObserverTest : public testing::Test {
 protected:
  OpObserverTest() {
    torch::manual_seed(1);
    subscription_ = observer.subscribe(nobody_);
    subscription_->measure = true;
    observer.update();
  }
  ~OpObserverTest() override {
    subscription_->alive = false;
    observer.update();
  }

  // The operations that `run` leaves in the log, without the tensors from outside.
  template <typename Run>
  std::vector<std::string> logged(const Run& run) {
    const auto from = observer.log().next_serial();
    run();
    std::vector<std::string> names;
    for (auto serial = from; serial < observer.log().next_serial(); ++serial) {
      const auto& op = *observer.log().find(serial).operation;
      if (!op.external) names.push_back(op.info->name);
    }
    return names;
  }
  void backward(const at::Tensor& loss) {
    const OpObserver::Silence silence(observer);
    loss.backward();
    observer.expect_update();
  }

  OpObserver& observer = OpObserver::of_this_thread();
  torch::nn::Linear layer{4, 3};
  at::Tensor batch = torch::randn({5, 4});

 private:
  Nobody nobody_;
  std::shared_ptr<OpObserver::Subscription> subscription_;
};

using Names = std::vector<std::string>;

TEST_F(OpObserverTest, WhatOptimizersRunIsNotLogged) {
  torch::optim::AdamW adam(layer->parameters(), torch::optim::AdamWOptions(0.1).weight_decay(0.1));
  torch::optim::SGD sgd(layer->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.1));
  for (torch::optim::Optimizer* optimizer :
       {static_cast<torch::optim::Optimizer*>(&adam), static_cast<torch::optim::Optimizer*>(&sgd)}) {
    const auto update = [&] {
      backward(layer->forward(batch).square().mean());
      return logged([&] {
        optimizer->step();
        optimizer->zero_grad();
      });
    };
    update();  // its first step makes its state
    EXPECT_EQ(update(), Names{});
  }
}

TEST_F(OpObserverTest, TheForwardPassAfterAnUpdateIsLogged) {
  torch::optim::Adam optimizer(layer->parameters());
  backward(layer->forward(batch).square().mean());
  optimizer.step();
  const auto names = logged([&] { layer->forward(batch).square().mean(); });
  EXPECT_EQ(std::count(names.begin(), names.end(), "aten::mean"), 1);
  EXPECT_GE(names.size(), 3U);
}

TEST_F(OpObserverTest, ArithmeticOnWhatALayerMadeIsLoggedOutsideTheGraphToo) {
  backward(layer->forward(batch).square().mean());
  const auto names = logged([&] {  // a target network
    const torch::NoGradGuard no_grad;
    layer->forward(batch).mul(0.9).add(1);
  });
  EXPECT_EQ(std::count(names.begin(), names.end(), "aten::mul"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "aten::add"), 1);
}

TEST_F(OpObserverTest, ArithmeticBeforeTheFirstBackwardPassIsLogged) {
  const auto names = logged([&] {
    const torch::NoGradGuard no_grad;
    batch.div(255);
  });
  EXPECT_EQ(names, Names{"aten::div"});
}

TEST_F(OpObserverTest, NestedOperationsAreNotLoggedHoweverOftenTheirOperationRan) {
  torch::nn::LSTM cell(torch::nn::LSTMOptions(4, 3));
  const auto sequence = torch::randn({6, 2, 4});
  const auto run = [&] { cell->forward(sequence); };
  const auto first = logged(run);
  EXPECT_EQ(std::count(first.begin(), first.end(), "aten::lstm"), 1);
  EXPECT_EQ(logged(run), first);
  EXPECT_EQ(logged(run), first);
}

}  // namespace
}  // namespace sonde::probes
