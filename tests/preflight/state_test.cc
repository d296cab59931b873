// A preflight leaves everything as it is, bit for bit, however it ends.
#include <gtest/gtest.h>
#include <sonde/sonde.h>

#include "monitor/training.h"
#include "preflight/snapshot.h"

namespace sonde::tests {
namespace {

// Buffers, dropout, a frozen layer, a child in eval mode, a weight used twice.
struct Odd : torch::nn::Module {
  Odd() {
    torch::manual_seed(3);  // of what comes after
    register_module("conv", conv);
    register_module("norm", norm);
    register_module("drop", drop);
    register_module("frozen", frozen);
    register_module("fc", fc);
    register_module("out", out);
    frozen->weight.set_requires_grad(false);
    frozen->bias.set_requires_grad(false);
    norm2 = register_module("norm2", torch::nn::BatchNorm1d(8));
    norm2->eval();
    register_buffer("wide", torch::ones({1}).expand({5}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    auto y = drop->forward(torch::relu(norm->forward(conv->forward(x)))).flatten(1);
    y = torch::relu(norm2->forward(fc->forward(frozen->forward(y))));
    return out->forward(torch::relu(fc->forward(y)));
  }
  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(1, 2, 3).padding(1)};
  torch::nn::BatchNorm2d norm{2};
  torch::nn::Dropout drop{0.5};
  torch::nn::Linear frozen{32, 8}, fc{8, 8}, out{8, 3};
  torch::nn::BatchNorm1d norm2{nullptr};
};

class PreflightState : public testing::Test {
 protected:
  torch::Tensor loss_of(const torch::Tensor& x) {
    return torch::nn::functional::cross_entropy(net_.forward(x) + 0.01 * torch::randn({6, 3}), labels_);
  }
  std::string everything() { return snapshot(net_) + snapshot(optimizer_); }

  // A step of training, so that gradients, moments and running statistics are there, and one gradient that is not.
  void train_a_little() {
    optimizer_.zero_grad();
    loss_of(input_).backward();
    optimizer_.step();
    net_.conv->bias.mutable_grad() = torch::Tensor();
  }

  Odd net_;
  torch::Tensor input_ = torch::randn({6, 1, 4, 4});
  torch::Tensor labels_ = torch::randint(3, {6}, torch::kLong);
  torch::optim::Adam optimizer_{net_.parameters(), 1e-2};
};

TEST_F(PreflightState, IsUntouchedByTheTracedStep) {
  const auto before = everything();
  const auto report = preflight(
      net_, [&] { return loss_of(input_); }, optimizer_);
  EXPECT_TRUE(everything() == before);
  EXPECT_EQ(report.context.steps, 1u);
  EXPECT_EQ(report.context.observed_steps, 1u);
}

TEST_F(PreflightState, IsUntouchedByAllExperiments) {
  const auto before = everything();
  (void)preflight(
      net_, [&](const torch::Tensor& x) { return loss_of(x); }, input_, optimizer_, PreflightOptions::all());
  EXPECT_TRUE(everything() == before);
}

TEST_F(PreflightState, IsUntouchedInTheMiddleOfTraining) {
  train_a_little();
  const auto before = everything();
  const auto gradient = net_.out->weight.grad();
  (void)preflight(
      net_, [&](const torch::Tensor& x) { return loss_of(x); }, input_, optimizer_, PreflightOptions::all());
  EXPECT_TRUE(everything() == before);
  EXPECT_TRUE(net_.out->weight.grad().is_same(gradient));
  EXPECT_FALSE(net_.conv->bias.grad().defined());
}

TEST_F(PreflightState, TrainingGoesOnAsIfNothingHadBeen) {
  const auto course = [](bool with_preflight) {
    torch::manual_seed(5);
    Odd net;
    torch::optim::SGD optimizer(net.parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
    const auto loss_of = [&] {
      return torch::nn::functional::cross_entropy(net.forward(torch::randn({6, 1, 4, 4})),
                                                  torch::randint(3, {6}, torch::kLong));
    };
    for (int step = 0; step < 6; ++step) {
      if (with_preflight && step % 2 == 0) (void)preflight(net, loss_of, optimizer, PreflightOptions::all());
      optimizer.zero_grad();
      loss_of().backward();
      optimizer.step();
    }
    auto tensors = net.parameters();
    for (const auto& buffer : net.buffers()) tensors.push_back(buffer);
    std::vector<torch::Tensor> flat;
    for (const auto& tensor : tensors) flat.push_back(tensor.detach().flatten().to(torch::kDouble));
    return torch::cat(flat);
  };
  EXPECT_TRUE(course(false).equal(course(true)));
}

TEST_F(PreflightState, IsPutBackWhenTheFunctionThrowsAndTheExceptionIsTheUsersOwn) {
  struct Own {
    int value;
  };
  train_a_little();
  const auto before = everything();
  const auto fail = [&]() -> torch::Tensor {
    (void)loss_of(input_);
    net_.eval();
    net_.fc->weight.data().zero_();
    throw Own{17};
  };
  try {
    (void)preflight(net_, fail, optimizer_, PreflightOptions::all());
    FAIL() << "nothing was thrown";
  } catch (const Own& own) { EXPECT_EQ(own.value, 17); }
  EXPECT_TRUE(everything() == before);
}

TEST_F(PreflightState, IsPutBackWhenTheBackwardPassThrows) {
  train_a_little();
  const auto before = everything();
  const auto fail = [&] {
    auto hidden = net_.forward(input_).exp();
    auto loss = hidden.sum();
    hidden.detach().add_(1);  // exp() needs what it put out
    return loss;
  };
  EXPECT_THROW((void)preflight(net_, fail, optimizer_), std::exception);
  EXPECT_TRUE(everything() == before);
}

TEST_F(PreflightState, ExperimentsThatFailAreToldAndNotThrown) {
  int calls = 0;
  const auto fails_later = [&](const torch::Tensor& x) {
    if (++calls > 1) throw std::runtime_error("only once");
    return loss_of(x);
  };
  const auto before = everything();
  const auto report = preflight(net_, fails_later, input_, optimizer_, PreflightOptions::all());
  EXPECT_TRUE(everything() == before);
  EXPECT_TRUE(not_observed(report, "only once"));
}

TEST_F(PreflightState, GradientsOfAnotherModelAreNotTouched) {
  torch::nn::Linear judge(3, 1);
  judge->weight.mutable_grad() = torch::full_like(judge->weight, 2);
  const auto before = snapshot(*judge);
  const auto loss_of_both = [&] { return torch::sigmoid(judge->forward(net_.forward(input_))).mean(); };
  (void)preflight(net_, loss_of_both, optimizer_, PreflightOptions::all());
  EXPECT_TRUE(snapshot(*judge) == before);
}

TEST_F(PreflightState, SurvivesAFunctionThatReplacesMemoryAndFlags) {
  const auto before = everything();
  const auto changes_all = [&] {
    net_.to(torch::kDouble);
    net_.fc->weight.set_requires_grad(false);
    return torch::nn::functional::cross_entropy(net_.forward(input_.to(torch::kDouble)), labels_);
  };
  (void)preflight(net_, changes_all, optimizer_);
  EXPECT_EQ(net_.fc->weight.scalar_type(), torch::kFloat);
  EXPECT_TRUE(net_.fc->weight.requires_grad());
  EXPECT_FALSE(net_.frozen->weight.requires_grad());
  EXPECT_TRUE(everything() == before);
}

}  // namespace
}  // namespace sonde::tests
