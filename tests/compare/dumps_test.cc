// A reference of which only activations are known.
#include <gtest/gtest.h>
#include <sonde/compare.h>

#include "compare/subject.h"
#include "tests/compare/small_net.h"

namespace sonde::tests {
namespace {

using compare::Cause;
using compare::Inputs;

// As another framework would dump them: some activations, under names of its own.
class Dumps : public compare::Subject {
 public:
  explicit Dumps(std::vector<compare::DumpedTensor> dumps) : Subject("dumps.npz"), dumps_(std::move(dumps)) {}
  [[nodiscard]] std::vector<compare::StoredTensor> stored() const override { return {}; }
  [[nodiscard]] bool runs() const override { return false; }
  [[nodiscard]] c10::IValue run(const Inputs& /*inputs*/) override {
    throw compare::CompareError("dumps cannot be run");
  }
  [[nodiscard]] std::vector<compare::DumpedTensor> dumps() const override { return dumps_; }

 private:
  const std::vector<compare::DumpedTensor> dumps_;
};

class CompareWithDumps : public testing::Test {
 protected:
  CompareWithDumps() {
    const torch::NoGradGuard no_grad;
    const auto start = torch::relu(reference->stem(images()));
    const auto first = reference->block1->forward(start, start), second = reference->block2->forward(first, start),
               third = reference->block3->forward(second, start);
    auto hidden = reference->hidden(torch::avg_pool2d(third, 4).flatten(1));
    auto scores = torch::softmax(reference->head(torch::gelu(reference->norm(hidden))), 1);
    dumps_ = {{"relu:0", start},
              {"stage1/out:0", first.clone()},
              {"stage2/out:0", second.clone()},
              {"fc", hidden},
              {"prob", scores}};
  }
  [[nodiscard]] compare::Result against(SmallNet& port) const {
    return compare::run(compare::Model(std::make_shared<Dumps>(dumps_)), port, Inputs{images()});
  }

  const std::shared_ptr<SmallNet> reference = reference_net();
  std::vector<compare::DumpedTensor> dumps_;
};

TEST_F(CompareWithDumps, FindNothingInAFaithfulPort) {
  const auto result = against(*port_of(*reference));
  EXPECT_TRUE(result.faults.empty());
  EXPECT_TRUE(result.not_compared.empty());
  EXPECT_LT(result.before.error, 1e-6);
}

TEST_F(CompareWithDumps, FindTheArgumentBetweenTwoOfThem) {
  Writing writing;
  writing.eps = 1e-3;
  const auto port = port_of(*reference, writing);
  const auto result = against(*port);
  // Trying a training mode changes no running statistics.
  EXPECT_TRUE(torch::equal(port->block2->bn2->running_mean, reference->block2->bn2->running_mean));
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_EQ(result.faults[0].cause, Cause::argument);
  EXPECT_EQ(result.faults[0].target.layer, "block2.bn1");
  EXPECT_EQ(result.faults[0].target.name, "eps");
  EXPECT_EQ(result.faults[0].reference.name, "stage2/out:0");
  EXPECT_EQ(result.first_divergence, 0);
  (void)compare::repair(*port, result);
  EXPECT_TRUE(against(*port).faults.empty());
}

TEST_F(CompareWithDumps, NameTheStretchWhereNothingExplainsIt) {
  const auto port = port_of(*reference);
  {
    const torch::NoGradGuard no_grad;
    port->hidden->weight.mul_(1.5);
  }
  const auto result = against(*port);
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_EQ(result.faults[0].cause, Cause::numeric);
  EXPECT_EQ(result.faults[0].target.layer, "hidden");
  EXPECT_FALSE(result.faults[0].repair.accepted);
}

TEST_F(CompareWithDumps, SayWhichFitNowhere) {
  dumps_.insert(dumps_.begin() + 1, {"other", torch::zeros({7, 7})});
  const auto result = against(*port_of(*reference));
  EXPECT_TRUE(result.faults.empty());
  ASSERT_EQ(result.not_compared.size(), 1U);
  EXPECT_EQ(result.not_compared[0].what, "the dump other");
}

TEST_F(CompareWithDumps, AreNoTarget) {
  EXPECT_THROW(
      (void)compare::run(compare::of(*reference), compare::Model(std::make_shared<Dumps>(dumps_)), Inputs{images()}),
      compare::CompareError);
}

}  // namespace
}  // namespace sonde::tests
