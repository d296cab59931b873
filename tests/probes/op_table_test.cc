#include "probes/op_table.h"

#include <gtest/gtest.h>

namespace sonde::probes {
namespace {

using trace::OpClass;

TEST(OpTable, ClassifiesOperationsInAndOutOfPlaceAlike) {
  EXPECT_EQ(op_traits("aten::relu").op_class, OpClass::rectifier);
  EXPECT_EQ(op_traits("aten::relu_").op_class, OpClass::rectifier);
  EXPECT_FALSE(op_traits("aten::relu").in_place);
  EXPECT_TRUE(op_traits("aten::relu_").in_place);
}

TEST(OpTable, KnowsMemoryThatMeansNothingUntilWritten) {
  EXPECT_TRUE(op_traits("aten::empty").uninitialised);
  EXPECT_TRUE(op_traits("aten::new_empty_strided").uninitialised);
  EXPECT_FALSE(op_traits("aten::zeros").uninitialised);
  EXPECT_TRUE(op_traits("aten::zeros").factory);
}

TEST(OpTable, GivesTailsToSaturatingActivationsOnly) {
  ASSERT_NE(op_traits("aten::sigmoid").tails, nullptr);
  ASSERT_NE(op_traits("aten::tanh_").tails, nullptr);
  EXPECT_EQ(op_traits("aten::relu").tails, nullptr);
  // The slope at the bound is one per cent of the greatest one: a (1 - a) / 0.25 and 1 - a^2.
  const double a = op_traits("aten::sigmoid").tails->low;
  EXPECT_NEAR(a * (1 - a) / 0.25, 0.01, 1e-4);
  const double t = op_traits("aten::tanh").tails->high;
  EXPECT_NEAR(1 - t * t, 0.01, 1e-4);
}

TEST(OpTable, LeavesUnknownOperationsAlone) {
  const auto traits = op_traits("mine::frobnicate");
  EXPECT_EQ(traits.op_class, OpClass::other);
  EXPECT_FALSE(traits.factory);
  EXPECT_FALSE(traits.counts_units);
}

TEST(OpTable, KnowsWhichModuleCallsAnOperation) {
  EXPECT_TRUE(module_calls("ReLU", "aten::relu_"));
  EXPECT_TRUE(module_calls("Dropout2d", "aten::feature_dropout"));
  EXPECT_FALSE(module_calls("ReLU", "aten::tanh"));
  EXPECT_FALSE(module_calls("Net", "aten::relu"));
  EXPECT_FALSE(is_parameter_free_type("Linear"));
}

TEST(OpTable, ShortensModuleTypes) {
  EXPECT_EQ(short_module_type("torch::nn::LinearImpl"), "Linear");
  EXPECT_EQ(short_module_type("(anonymous namespace)::Net"), "Net");
  EXPECT_EQ(short_module_type("app::Block<torch::nn::ReLUImpl>"), "Block<torch::nn::ReLUImpl>");
  EXPECT_EQ(short_module_type("Impl"), "Impl");
}

}  // namespace
}  // namespace sonde::probes
