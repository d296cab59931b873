#include "compare/onnx/runner.h"

#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "onnx_model.h"

namespace sonde::compare::onnx {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Work>
std::string complaint(const Work& work) {
  try {
    work();
  } catch (const CompareError& error) { return error.what(); }
  return {};
}

// Kinds of the outermost operators that `work` calls.
std::vector<std::string> operators_of(const std::function<void()>& work) {
  static thread_local std::vector<std::string>* names = nullptr;
  static thread_local int depth = 0;
  std::vector<std::string> result;
  names = &result;
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(
                                     [](const at::RecordFunction& f) -> std::unique_ptr<at::ObserverContext> {
                                       if (depth++ == 0) names->push_back(f.name());
                                       return nullptr;
                                     },
                                     [](const at::RecordFunction&, at::ObserverContext*) { --depth; })
                                     .scopes({at::RecordScope::FUNCTION}));
  work();
  at::removeCallback(handle);
  return result;
}

std::vector<std::string> names_of(const std::vector<StoredTensor>& stored) {
  std::vector<std::string> names;
  for (const StoredTensor& one : stored) names.push_back(one.name + (one.buffer ? " (buffer)" : ""));
  return names;
}

formats::onnx::Model small_net() {
  torch::manual_seed(1);
  return ModelBuilder()
      .input("x", {-1, 3, 8, 8})
      .weight("conv.weight", torch::randn({4, 3, 3, 3}))
      .weight("conv.bias", torch::randn({4}))
      .weight("bn.weight", torch::ones({4}))
      .weight("bn.bias", torch::zeros({4}))
      .weight("bn.running_mean", torch::randn({4}))
      .weight("bn.running_var", torch::ones({4}))
      .weight("fc", torch::randn({4 * 36, 5}))
      .weight("bias", torch::randn({5}))
      .node("Conv", {"x", "conv.weight", "conv.bias"}, {"c"})
      .node("BatchNormalization", {"c", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}, {"n"},
            {real("epsilon", 1e-3F)})
      .node("Relu", {"n"}, {"r"})
      .node("Flatten", {"r"}, {"f"})
      .node("MatMul", {"f", "fc"}, {"m"})
      .node("Add", {"m", "bias"}, {"y"})
      .output("y");
}

TEST(OnnxRunner, CallsTheOperatorsThatAModuleWouldCall) {
  const Runner runner(small_net());
  const at::Tensor x = torch::randn({2, 3, 8, 8});
  EXPECT_THAT(operators_of([&] { (void)runner.run({x}); }),
              ElementsAre("aten::conv2d", "aten::batch_norm", "aten::relu", "aten::flatten", "aten::linear"));
}

TEST(OnnxRunner, KeepsASumThatIsNoBias) {
  const auto operators = [](const std::vector<std::string>& sum, const at::Tensor& bias) {
    const Runner runner(ModelBuilder()
                            .input("x")
                            .weight("w", torch::ones({4, 5}))
                            .weight("b", bias)
                            .node("MatMul", {"x", "w"}, {"m"})
                            .node("Add", sum, {"y"})
                            .output("y"));
    const at::Tensor x = torch::ones({2, 3, 4});
    return operators_of([&] { (void)runner.run({x}); });
  };
  EXPECT_THAT(operators({"b", "m"}, torch::ones({5})), ElementsAre("aten::linear"));
  EXPECT_THAT(operators({"m", "b"}, torch::ones({1})), ElementsAre("aten::linear", "aten::add"));
  EXPECT_THAT(operators({"m", "m"}, torch::ones({5})), ElementsAre("aten::linear", "aten::add"));
}

TEST(OnnxRunner, StoresWeightsAsLibTorchHoldsThem) {
  const Runner runner(small_net());
  EXPECT_THAT(names_of(runner.stored()),
              ElementsAre("conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean (buffer)",
                          "bn.running_var (buffer)", "fc", "bias"));
  EXPECT_THAT(runner.stored()[6].tensor.sizes().vec(), ElementsAre(5, 4 * 36));
}

TEST(OnnxRunner, StoresRecurrentWeightsInLibTorchsOrderOfGates) {
  const at::Tensor w = torch::arange(4, torch::kFloat).reshape({1, 4, 1});  // i o f c
  const Runner runner(ModelBuilder()
                          .input("x")
                          .weight("w", w)
                          .weight("r", w)
                          .node("LSTM", {"x", "w", "r"}, {"y"}, {integer("hidden_size", 1)})
                          .output("y"));
  EXPECT_THAT(names_of(runner.stored()), ElementsAre("the_LSTM.weight_ih_l0", "the_LSTM.weight_hh_l0"));
  EXPECT_TRUE(at::equal(runner.stored()[0].tensor.flatten(), torch::tensor({0.0F, 2.0F, 3.0F, 1.0F})));
  const at::Tensor x = torch::randn({3, 2, 1});
  EXPECT_THAT(operators_of([&] { (void)runner.run({x}); }), ::testing::Contains("aten::lstm"));
}

TEST(OnnxRunner, ComputesInThePrecisionOfTheInputs) {
  const Runner runner(small_net());
  const at::Tensor x = torch::randn({2, 3, 8, 8});
  const at::Tensor narrow = runner.run({x})[0];
  const at::Tensor wide = runner.run({x.to(torch::kDouble)})[0];
  EXPECT_EQ(wide.scalar_type(), torch::kDouble);
  EXPECT_TRUE(at::allclose(wide, narrow.to(torch::kDouble), 1e-4, 1e-4));
  EXPECT_FALSE(at::equal(wide, narrow.to(torch::kDouble)));
  EXPECT_EQ(runner.run({x.to(torch::kBFloat16)})[0].scalar_type(), torch::kBFloat16);
}

TEST(OnnxRunner, RealAttributesAreTheNumbersThatWereMeant) {
  const Attribute eps = real("epsilon", 1e-5F);
  const formats::onnx::Node node{.operation = "BatchNormalization", .attributes = {eps}};
  const Tensors none;
  EXPECT_EQ(Call(node, 17, {}, none, nullptr).real("epsilon", 0), 1e-5);
}

TEST(OnnxRunner, RunsTheBranchThatTheConditionSays) {
  const auto branch = [](const char* operation) {
    formats::onnx::Graph graph;
    graph.nodes = {{.operation = operation, .inputs = {"x"}, .outputs = {"b"}}};
    graph.outputs = {{.name = "b"}};
    return graph;
  };
  Attribute yes = named("then_branch", Attribute::Kind::graph);
  yes.graphs = {branch("Neg")};
  Attribute no = named("else_branch", Attribute::Kind::graph);
  no.graphs = {branch("Abs")};
  const Runner runner(ModelBuilder()
                          .input("x")
                          .input("c", {}, formats::DType::boolean)
                          .node("If", {"c"}, {"y"}, {yes, no})
                          .output("y"));
  const at::Tensor x = torch::tensor({-1.0F, 2.0F});
  EXPECT_TRUE(at::equal(runner.run({x, torch::tensor(true)})[0], -x));
  EXPECT_TRUE(at::equal(runner.run({x, torch::tensor(false)})[0], x.abs()));
}

TEST(OnnxRunner, NamesTheOperatorThatItCannotRun) {
  const auto model = ModelBuilder(15).input("x").node("Unheard", {"x"}, {"y"}).output("y");
  EXPECT_EQ(complaint([&] { Runner runner(model); }),
            "node \"the_Unheard\" (Unheard of operator set 15, output \"y\"): this operator cannot be run");
}

TEST(OnnxRunner, NamesTheNodeAtWhichItFails) {
  const Runner runner(
      ModelBuilder().input("x").weight("w", torch::ones({3, 4})).node("MatMul", {"x", "w"}, {"y"}).output("y"));
  EXPECT_THAT(complaint([&] {
                (void)runner.run({torch::ones({2, 5})});
              }),
              AllOf(HasSubstr("the_MatMul"), HasSubstr("MatMul of operator set 17")));
}

TEST(OnnxRunner, RefusesInputsThatTheModelDoesNotTake) {
  const Runner runner(small_net());
  EXPECT_EQ(complaint([&] { (void)runner.run({}); }), "got 0 inputs, wanted 1: \"x\"");
  EXPECT_EQ(complaint([&] {
              (void)runner.run({torch::ones({2, 3, 9, 8})});
            }),
            "input \"x\": got shape (2, 3, 9, 8), wanted (-1, 3, 8, 8)");
  EXPECT_EQ(complaint([&] {
              (void)runner.run({torch::ones({2, 3, 8, 8}, torch::kLong)});
            }),
            "input \"x\": got Long, wanted Float");
}

}  // namespace
}  // namespace sonde::compare::onnx
