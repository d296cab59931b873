// Whole comparisons: what is wrong is named, once, where it is; what is only written in other words is not.
#include <string>

#include <gtest/gtest.h>
#include <sonde/compare.h>

#include "tests/compare/small_net.h"

namespace sonde::tests {
namespace {

using compare::Cause;
using compare::Fault;
using compare::Inputs;
using compare::Result;

class Compare : public testing::Test {
 protected:
  [[nodiscard]] Result against(SmallNet& port, const Inputs& inputs = {images()}) const {
    return compare::run(compare::of(*reference, "reference"), port, inputs);
  }
  [[nodiscard]] Result against(const Writing& writing) const { return against(*port_of(*reference, writing)); }

  // The only visible fault.
  static const Fault& only(const Result& result) {
    static const Fault none;
    std::size_t visible = 0;
    const Fault* found = &none;
    for (const Fault& fault : result.faults)
      if (fault.visible) ++visible, found = &fault;
    EXPECT_EQ(visible, 1U);
    return *found;
  }
  static std::size_t visible(const Result& result) {
    std::size_t count = 0;
    for (const Fault& fault : result.faults) count += fault.visible ? 1 : 0;
    return count;
  }

  const std::shared_ptr<SmallNet> reference = reference_net();
};

TEST_F(Compare, FindsNothingInAFaithfulPort) {
  const Result result = against(Writing{});
  EXPECT_TRUE(result.faults.empty());
  EXPECT_EQ(result.before.error, 0);
  EXPECT_EQ(result.first_divergence, -1);
  EXPECT_EQ(result.stages.size(), 6U);
}

TEST_F(Compare, TakesOtherWordsForTheSame) {
  Writing writing;
  writing.spelled_out = true;
  EXPECT_EQ(visible(against(writing)), 0U);
}

TEST_F(Compare, TakesFoldedNormsForTheSame) {
  Writing writing;
  writing.folded = true;
  const Result result = against(writing);
  EXPECT_EQ(visible(result), 0U);
  EXPECT_GT(result.before.error, 0);
}

TEST_F(Compare, NamesAnEpsilonAndSetsIt) {
  Writing writing;
  writing.eps = 1e-3;
  const auto port = port_of(*reference, writing);
  const Result result = against(*port);
  const Fault& fault = only(result);
  EXPECT_EQ(fault.cause, Cause::argument);
  EXPECT_EQ(fault.target.layer, "block2.bn1");
  EXPECT_EQ(fault.target.name, "eps");
  EXPECT_NE(fault.target.source.file.find("small_net.cc"), std::string::npos);
  EXPECT_GT(fault.error, 100 * fault.floor);
  EXPECT_TRUE(fault.repair.accepted);
  EXPECT_EQ(result.first_divergence, 0);
  EXPECT_LE(result.after.error, 20 * result.after.floor);

  EXPECT_EQ(compare::repair(*port, result).applied.size(), 1U);
  EXPECT_TRUE(against(*port).faults.empty());
}

TEST_F(Compare, NamesAMissingActivation) {
  Writing writing;
  writing.middle = Writing::Middle::none;
  const Result result = against(writing);
  const Fault& fault = only(result);
  EXPECT_EQ(fault.cause, Cause::operation_missing);
  EXPECT_EQ(fault.reference.operation, "relu");
  EXPECT_EQ(fault.target.layer, "block2.bn1");
  EXPECT_FALSE(fault.repair.accepted);
}

TEST_F(Compare, NamesAnotherActivation) {
  Writing writing;
  writing.middle = Writing::Middle::leaky;
  const Result result = against(writing);
  EXPECT_EQ(only(result).cause, Cause::operation_kind);
  EXPECT_EQ(only(result).target.operation, "leaky_relu");
}

TEST_F(Compare, TellsWhatTheseInputsDoNotShow) {
  Writing writing;
  writing.middle = Writing::Middle::relu6;
  const Result result = against(writing);
  EXPECT_TRUE(result.equal());
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_FALSE(result.faults[0].visible);
  EXPECT_EQ(result.faults[0].target.operation, "relu6");
}

TEST_F(Compare, NamesAnOrder) {
  Writing writing;
  writing.middle = Writing::Middle::before_norm;
  EXPECT_EQ(only(against(writing)).cause, Cause::operation_order);
}

TEST_F(Compare, NamesAMissingResidual) {
  Writing writing;
  writing.residual = false;
  const Result result = against(writing);
  EXPECT_EQ(only(result).cause, Cause::operation_missing);
  EXPECT_EQ(only(result).reference.operation, "add");
}

TEST_F(Compare, NamesAResidualOfAnotherTensor) {
  Writing writing;
  writing.residual_of_input = false;
  const Result result = against(writing);
  EXPECT_EQ(only(result).cause, Cause::operation_wiring);
  EXPECT_EQ(only(result).target.operation, "add");
}

TEST_F(Compare, NamesASoftmaxOverAnotherDimension) {
  Writing writing;
  writing.softmax_dim = 0;
  const Result result = against(writing);
  EXPECT_EQ(only(result).target.name, "dim");
  EXPECT_TRUE(only(result).repair.accepted);
}

TEST_F(Compare, NamesEachLayerInTrainingMode) {
  const auto port = port_of(*reference);
  port->block2->bn2->train();
  port->dropout->train();
  const auto before = port->block2->bn2->running_mean.clone();
  const Result result = against(*port);
  ASSERT_EQ(visible(result), 2U);
  for (const Fault& fault : result.faults) EXPECT_EQ(fault.cause, Cause::training_mode);
  EXPECT_EQ(result.faults[0].target.layer, "block2.bn2");
  EXPECT_EQ(result.faults[1].target.operation, "dropout");
  // Looking changes nothing.
  EXPECT_TRUE(torch::equal(port->block2->bn2->running_mean, before));
  EXPECT_TRUE(port->block2->bn2->is_training());

  EXPECT_EQ(compare::repair(*port, result).applied.size(), 2U);
  EXPECT_TRUE(against(*port).equal());
}

TEST_F(Compare, NamesBuffersThatWereNotCopied) {
  const auto port = port_of(*reference);
  port->block3->bn1->running_mean.zero_();
  port->block3->bn1->running_var.fill_(1);
  const Result result = against(*port);
  ASSERT_EQ(visible(result), 2U);
  for (const Fault& fault : result.faults) EXPECT_EQ(fault.cause, Cause::parameter_not_loaded);
  EXPECT_EQ(result.faults[0].target.name.substr(0, 18), "block3.bn1.running");
  (void)compare::repair(*port, result);
  EXPECT_TRUE(torch::equal(port->block3->bn1->running_mean, reference->block3->bn1->running_mean));
}

TEST_F(Compare, NamesTwoFaultsAtOnce) {
  Writing writing;
  writing.eps = 1e-3;
  const auto port = port_of(*reference, writing);
  {
    const torch::NoGradGuard no_grad;
    port->hidden->weight.copy_(port->hidden->weight.flip(0));
  }
  const Result result = against(*port);
  ASSERT_EQ(visible(result), 2U);
  EXPECT_EQ(result.faults[0].target.layer, "block2.bn1");
  EXPECT_EQ(result.faults[1].target.name, "hidden.weight");
  EXPECT_EQ(result.faults[1].cause, Cause::parameter_permuted);
  EXPECT_LE(result.after.error, 20 * result.after.floor);
}

TEST_F(Compare, FindsNothingInAPortInHalfThePrecision) {
  const auto port = port_of(*reference);
  port->to(torch::kBFloat16);
  const Result result = against(*port);
  EXPECT_TRUE(result.faults.empty());
  EXPECT_GT(result.before.error, 1e-4);
}

TEST_F(Compare, FindsAnEpsilonInAPortInHalfThePrecision) {
  Writing writing;
  writing.eps = 1e-3;
  const auto port = port_of(*reference, writing);
  port->to(torch::kBFloat16);
  EXPECT_EQ(only(against(*port)).target.name, "eps");
}

TEST_F(Compare, LeavesTheRandomStateAlone) {
  const auto port = port_of(*reference);
  port->dropout->train();
  const Inputs inputs{images()};
  torch::manual_seed(5);
  const auto expected = torch::rand({3});
  torch::manual_seed(5);
  (void)against(*port, inputs);
  EXPECT_TRUE(torch::equal(torch::rand({3}), expected));
}

TEST_F(Compare, StopsAtAModelThatIsNotDeterministic) {
  const auto port = port_of(*reference);
  int calls = 0;
  const auto drifting = compare::of(
      *port, [&](const Inputs& x) -> c10::IValue { return port->forward(x[0]) + static_cast<double>(++calls); },
      "drifting");
  const Result result = compare::run(compare::of(*reference), drifting, Inputs{images()});
  EXPECT_EQ(only(result).cause, Cause::not_deterministic);
}

TEST_F(Compare, TellsWhichStepOfAChainIsWrong) {
  Writing writing;
  writing.eps = 1e-3;
  const auto first = port_of(*reference), second = port_of(*reference, writing), third = port_of(*reference, writing);
  const auto chain = compare::chain(
      {compare::of(*reference), compare::of(*first), compare::of(*second), compare::of(*third)}, {Inputs{images()}});
  ASSERT_EQ(chain.steps.size(), 3U);
  EXPECT_EQ(chain.first_wrong, 1);
  EXPECT_TRUE(chain.steps[2].equal());
}

TEST_F(Compare, SaysWhatItCannotRun) {
  const auto port = port_of(*reference);
  try {
    (void)against(*port, Inputs{torch::randn({4, 5, 16, 16})});
    FAIL();
  } catch (const compare::CompareError& error) {
    EXPECT_NE(std::string(error.what()).find("reference cannot be run on these inputs"), std::string::npos);
  }
  compare::Options options;
  options.times_floor = 0;
  EXPECT_THROW((void)compare::run(compare::of(*reference), compare::of(*port), Inputs{images()}, options),
               std::invalid_argument);
  EXPECT_THROW((void)compare::run(compare::of(*reference), compare::of(*port), std::vector<Inputs>{}),
               compare::CompareError);
}

}  // namespace
}  // namespace sonde::tests
