// Models that do not fit into memory together.
#include <gtest/gtest.h>
#include <sonde/compare.h>

#include "tests/compare/small_net.h"

namespace sonde::tests {
namespace {

using compare::Cause;
using compare::Inputs;

class CompareOneAtATime : public testing::Test {
 protected:
  // A model that lives as long as its handle; at most one may.
  [[nodiscard]] compare::Loader loader(std::shared_ptr<SmallNet> net) {
    return [this, net = std::move(net)] {
      EXPECT_EQ(alive_, 0);
      ++alive_, ++loads_;
      const std::shared_ptr<int> held(&alive_, [](int* alive) { --*alive; });
      return compare::of(*net, [net, held](const Inputs& x) -> c10::IValue { return net->forward(x[0]); });
    };
  }
  [[nodiscard]] compare::Result against(const Writing& writing, const std::function<void(SmallNet&)>& edit = {}) {
    const auto port = port_of(*reference, writing);
    if (edit) edit(*port);
    return compare::run_one_at_a_time(loader(reference), loader(port), Inputs{images()});
  }

  const std::shared_ptr<SmallNet> reference = reference_net();
  int alive_ = 0, loads_ = 0;
};

TEST_F(CompareOneAtATime, FindsNothingInAFaithfulPort) {
  EXPECT_TRUE(against({}).faults.empty());
  EXPECT_EQ(loads_, 2);  // nothing to look at closely
}

TEST_F(CompareOneAtATime, NamesAnEpsilon) {
  Writing writing;
  writing.eps = 1e-3;
  const auto result = against(writing);
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_EQ(result.faults[0].target.layer, "block2.bn1");
  EXPECT_EQ(result.faults[0].target.name, "eps");
  EXPECT_TRUE(result.faults[0].repair.accepted);
  EXPECT_EQ(result.first_divergence, 0);
  EXPECT_EQ(loads_, 4);
}

TEST_F(CompareOneAtATime, NamesAMissingActivation) {
  Writing writing;
  writing.middle = Writing::Middle::none;
  const auto result = against(writing);
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_EQ(result.faults[0].cause, Cause::operation_missing);
  EXPECT_EQ(result.faults[0].target.layer, "block2.bn1");
}

TEST_F(CompareOneAtATime, NamesAPermutedParameter) {
  const auto result = against({}, [](SmallNet& net) {
    const torch::NoGradGuard no_grad;
    net.hidden->weight.copy_(net.hidden->weight.flip(0));
  });
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_EQ(result.faults[0].cause, Cause::parameter_permuted);
  EXPECT_EQ(result.faults[0].target.name, "hidden.weight");
}

TEST_F(CompareOneAtATime, TakesOtherWordsForTheSame) {
  Writing writing;
  writing.spelled_out = true;
  for (const auto& fault : against(writing).faults) EXPECT_FALSE(fault.visible) << fault.message;
}

}  // namespace
}  // namespace sonde::tests
