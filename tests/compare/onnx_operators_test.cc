// Operators where the defaults of ONNX and LibTorch differ. tests/compare/onnx runs all of them against ONNX's own data.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "onnx_model.h"

namespace sonde::compare::onnx {
namespace {

at::Tensor run(const formats::onnx::Model& model, const Inputs& inputs) { return Runner(model).run(inputs).at(0); }

at::Tensor one(std::string operation, const at::Tensor& x, std::vector<Attribute> attributes, std::int64_t opset = 17) {
  return run(ModelBuilder(opset).input("x").node(std::move(operation), {"x"}, {"y"}, std::move(attributes)).output("y"),
             {x});
}

struct OnnxOperators : ::testing::Test {
  OnnxOperators() { torch::manual_seed(1); }
};

TEST_F(OnnxOperators, SoftmaxIsOverTheFlattenedDimensionsBeforeOperatorSet13) {
  const at::Tensor x = torch::randn({2, 3, 4});
  EXPECT_TRUE(at::allclose(one("Softmax", x, {}, 12), torch::softmax(x.reshape({2, 12}), 1).reshape({2, 3, 4})));
  EXPECT_TRUE(at::allclose(one("Softmax", x, {}, 13), torch::softmax(x, 2)));
}

TEST_F(OnnxOperators, AveragePoolLeavesThePaddingOutByDefault) {
  const at::Tensor x = torch::ones({1, 1, 4, 4});
  const std::vector<Attribute> window = {integers("kernel_shape", {3, 3}), integers("pads", {1, 1, 1, 1})};
  EXPECT_FLOAT_EQ(one("AveragePool", x, window).min().item<float>(), 1);
  std::vector<Attribute> counting = window;
  counting.push_back(integer("count_include_pad", 1));
  EXPECT_FLOAT_EQ(one("AveragePool", x, counting).min().item<float>(), 4.0F / 9);
}

TEST_F(OnnxOperators, HardSigmoidHasItsOwnSlope) {
  const at::Tensor x = torch::randn({20}) * 4;
  EXPECT_TRUE(at::allclose(one("HardSigmoid", x, {}), torch::clamp(0.2 * x + 0.5, 0, 1)));
  EXPECT_TRUE(at::equal(one("HardSigmoid", x, {real("alpha", 1.0F / 6)}), at::hardsigmoid(x)));
}

TEST_F(OnnxOperators, SamePaddingOfAStrideIsPutAtTheEnd) {
  const at::Tensor x = torch::randn({1, 2, 6, 6});
  const at::Tensor w = torch::randn({3, 2, 3, 3});
  const auto convolve = [&](const char* how) {
    return run(ModelBuilder()
                   .input("x")
                   .weight("w", w)
                   .node("Conv", {"x", "w"}, {"y"}, {integers("strides", {2, 2}), text("auto_pad", how)})
                   .output("y"),
               {x});
  };
  EXPECT_TRUE(at::allclose(convolve("SAME_UPPER"), at::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}), w, {}, 2)));
  EXPECT_TRUE(at::allclose(convolve("SAME_LOWER"), at::conv2d(at::constant_pad_nd(x, {1, 0, 1, 0}), w, {}, 2)));
}

// The first step differs by the bias of the reset gate alone, the others by the state.
TEST_F(OnnxOperators, GruResetsBeforeTheProductByDefault) {
  const std::int64_t n = 4;
  const at::Tensor x = torch::randn({5, 2, 3});
  const at::Tensor w = torch::randn({1, 3 * n, 3});
  const at::Tensor r = torch::randn({1, 3 * n, n});
  const at::Tensor b = torch::randn({1, 6 * n});
  const auto gru = [&](std::int64_t linear_before_reset) {
    return run(ModelBuilder()
                   .input("x")
                   .weight("w", w)
                   .weight("r", r)
                   .weight("b", b)
                   .node("GRU", {"x", "w", "r", "b"}, {"y"},
                         {integer("hidden_size", n), integer("linear_before_reset", linear_before_reset)})
                   .output("y"),
               {x})
        .squeeze(1);
  };
  const auto gates = [](const at::Tensor& rows) {  // z r h to r z h
    const auto parts = rows.chunk(3);
    return torch::cat({parts[1], parts[0], parts[2]});
  };
  const auto biases = b[0].chunk(2);
  const at::Tensor expected =
      std::get<0>(at::gru(x, torch::zeros({1, 2, n}), {gates(w[0]), gates(r[0]), gates(biases[0]), gates(biases[1])},
                          true, 1, 0.0, false, false, false));
  EXPECT_TRUE(at::allclose(gru(1), expected, 1e-5, 1e-6));
  EXPECT_FALSE(at::allclose(gru(0), expected, 1e-2, 1e-2));

  at::Tensor h = torch::zeros({2, n});
  const auto wx = w[0].chunk(3);
  const auto rh = r[0].chunk(3);
  const auto wb = biases[0].chunk(3);
  const auto rb = biases[1].chunk(3);
  for (std::int64_t t = 0; t < 5; ++t) {
    const at::Tensor z = torch::sigmoid(x[t].mm(wx[0].t()) + h.mm(rh[0].t()) + wb[0] + rb[0]);
    const at::Tensor reset = torch::sigmoid(x[t].mm(wx[1].t()) + h.mm(rh[1].t()) + wb[1] + rb[1]);
    const at::Tensor candidate = torch::tanh(x[t].mm(wx[2].t()) + (reset * h).mm(rh[2].t()) + wb[2] + rb[2]);
    h = (1 - z) * candidate + z * h;
  }
  EXPECT_TRUE(at::allclose(gru(0)[4], h, 1e-5, 1e-6));
}

TEST_F(OnnxOperators, NearestResizeRoundsAsToldAndNotAsLibTorchDoes) {
  const at::Tensor x = torch::arange(4, torch::kFloat).reshape({1, 1, 1, 4});
  const auto resize = [&](const char* coordinates, const char* nearest) {
    return run(ModelBuilder()
                   .input("x")
                   .weight("scales", torch::tensor({1.0, 1.0, 1.0, 0.5}))
                   .node("Resize", {"x", "", "scales"}, {"y"},
                         {text("coordinate_transformation_mode", coordinates), text("nearest_mode", nearest)})
                   .output("y"),
               {x})
        .flatten();
  };
  EXPECT_TRUE(at::equal(resize("asymmetric", "floor"), torch::tensor({0.0F, 2.0F})));
  EXPECT_TRUE(at::equal(resize("half_pixel", "round_prefer_floor"), torch::tensor({0.0F, 2.0F})));
  EXPECT_TRUE(at::equal(resize("half_pixel", "round_prefer_ceil"), torch::tensor({1.0F, 3.0F})));
}

TEST_F(OnnxOperators, ClipTakesItsBoundsFromAttributesOrInputs) {
  const at::Tensor x = torch::tensor({-2.0F, 0.5F, 9.0F});
  const at::Tensor clipped = torch::tensor({0.0F, 0.5F, 6.0F});
  EXPECT_TRUE(at::equal(one("Clip", x, {real("min", 0), real("max", 6)}, 6), clipped));
  EXPECT_TRUE(at::equal(run(ModelBuilder(13)
                                .input("x")
                                .weight("a", torch::tensor(0.0))
                                .weight("b", torch::tensor(6.0))
                                .node("Clip", {"x", "a", "b"}, {"y"})
                                .output("y"),
                            {x}),
                        clipped));
}

}  // namespace
}  // namespace sonde::compare::onnx
