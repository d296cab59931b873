// Tensors that hold the right values at other places.
#include "tests/compare/diagnosis.h"

namespace sonde::compare {
namespace {

// ---- rearranged

TEST_F(Diagnosis, AnyTwoDimensionsSwappedAreFound) {
  for (const Shape& shape : {Shape{6, 6}, Shape{5, 5, 5}, Shape{4, 4, 3, 3}, Shape{3, 3, 3, 3, 3}}) {
    const auto a = torch::randn(shape);
    for (std::int64_t i = 0; i < a.dim(); ++i) {
      for (std::int64_t j = i + 1; j < a.dim(); ++j) {
        if (a.size(i) != a.size(j)) continue;
        const auto b = a.transpose(i, j).contiguous();
        const auto found = difference(a, b, kConv);
        EXPECT_EQ(found.cause, Cause::parameter_transposed);
        EXPECT_THAT(found.message, HasSubstr("dimensions " + std::to_string(i) + " and " + std::to_string(j)));
        expect_mended(found, a, b);
      }
    }
  }
}

TEST_F(Diagnosis, ATransposedShapeIsFound) {
  const auto a = torch::randn({6, 4});
  const auto found = difference(a, a.t().contiguous());
  EXPECT_EQ(found.cause, Cause::parameter_transposed);
  EXPECT_TRUE(torch::equal(found.mended, a));
  const auto c = torch::randn({8, 4, 3, 3});
  EXPECT_THAT(difference(c, c.permute({2, 3, 1, 0}).contiguous(), kConv).message,
              HasSubstr("the reference has (3, 2, 0, 1)"));
  EXPECT_THAT(difference(c, c.transpose(0, 1).contiguous(), role("conv_transpose2d")).message,
              HasSubstr("output and input channels"));
}

TEST_F(Diagnosis, MemoryReadInAnotherOrderIsATransposition) {
  const auto a = torch::randn({6, 4});
  const auto b = a.t().contiguous().view({6, 4});
  const auto found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_transposed);
  EXPECT_THAT(found.message, HasSubstr("read without a transposition"));
  expect_mended(found, a, b);
}

TEST_F(Diagnosis, FlippedKernelsAreFound) {
  const auto a = torch::randn({4, 3, 3, 5});
  for (const Shape& dims : {Shape{2}, Shape{3}, Shape{2, 3}}) {
    const auto b = a.flip(dims);
    const auto found = difference(a, b, kConv);
    EXPECT_EQ(found.cause, Cause::parameter_flipped);
    for (const auto d : dims) EXPECT_THAT(found.message, HasSubstr(std::to_string(d)));
    expect_mended(found, a, b);
  }
  EXPECT_EQ(difference(a, a.flip({2, 3}), kConv).message, "it is flipped along spatial dimensions 2 and 3");
  const auto both = a.flip({2, 3}).transpose(0, 1).contiguous();
  EXPECT_EQ(difference(a, both, role("conv_transpose2d")).cause, Cause::parameter_flipped);
}

TEST_F(Diagnosis, SymmetricKernelsAreNotFlipped) {
  auto a = torch::randn({4, 3, 3, 3});
  a = a + a.flip({2, 3});
  EXPECT_FALSE(diagnose(a, a.flip({2, 3}), kConv));
  auto b = a.clone();
  b[0][0][0][0] += 1;
  EXPECT_EQ(difference(a, b, kConv).cause, Cause::parameter_value);
}

TEST_F(Diagnosis, GateBlocksAreNamedByTheirLetters) {
  const auto a = torch::randn({4 * 6, 5});
  const auto blocks = a.view({4, 6, 5});
  const auto b = rows_of(blocks, {0, 3, 1, 2}).reshape({24, 5});
  auto found = difference(a, b, role("lstm", "weight_ih"));
  EXPECT_EQ(found.cause, Cause::parameter_gate_order);
  EXPECT_EQ(found.message, "its row blocks are in the order i, o, f, g; the reference has i, f, g, o");
  expect_mended(found, a, b);
  const auto bias = torch::randn({24});
  EXPECT_EQ(difference(bias, rows_of(bias.view({4, 6}), {0, 2, 1, 3}).reshape({24}), role("lstm", "bias_hh")).cause,
            Cause::parameter_gate_order);

  const auto gru = torch::randn({3 * 6, 5});
  found = difference(gru, rows_of(gru.view({3, 6, 5}), {1, 0, 2}).reshape({18, 5}), role("gru", "weight_hh"));
  EXPECT_EQ(found.message, "its row blocks are in the order z, r, n; the reference has r, z, n");
  EXPECT_EQ(difference(gru, rows_of(gru.view({3, 6, 5}), {1, 0, 2}).reshape({18, 5})).cause, Cause::parameter_permuted)
      << "a linear layer has no gates";
}

TEST_F(Diagnosis, TransposedAndGateOrderTogetherAreBothTold) {
  const auto a = torch::randn({24, 5});
  const auto found = difference(a, rows_of(a.view({4, 6, 5}), {0, 2, 1, 3}).reshape({24, 5}).t().contiguous(),
                                role("lstm", "weight_ih"));
  EXPECT_EQ(found.cause, Cause::parameter_gate_order);
  EXPECT_THAT(found.message, HasSubstr("swapped; its row blocks"));
  EXPECT_TRUE(torch::equal(found.mended, a));
}

at::Tensor halves_to_pairs(const at::Tensor& a, std::int64_t heads) {
  const auto rest = a.numel() / a.size(0);
  return a.view({heads, 2, -1, rest}).transpose(1, 2).reshape(a.sizes());
}

TEST_F(Diagnosis, RotaryLayoutsAreFoundInBothDirections) {
  auto attention = kLinear;
  attention.heads = 4;
  for (const auto& r : {attention, kLinear, role("attention")}) {
    for (const Shape& shape : {Shape{32, 32}, Shape{32, 12}, Shape{32}}) {
      const auto a = torch::randn(shape);
      const auto b = halves_to_pairs(a, 4);
      auto found = difference(a, b, r);
      EXPECT_EQ(found.cause, Cause::parameter_rotary_layout);
      EXPECT_THAT(found.message, HasSubstr("4 heads are interleaved"));
      expect_mended(found, a, b);
      found = difference(b, a, r);
      EXPECT_EQ(found.cause, Cause::parameter_rotary_layout);
      EXPECT_THAT(found.message, HasSubstr("4 heads are in halves"));
    }
  }
  const auto fused = torch::randn({96, 32});
  const auto b = torch::cat({halves_to_pairs(fused.narrow(0, 0, 64), 8), fused.narrow(0, 64, 32)});
  EXPECT_THAT(difference(fused, b).message, HasSubstr("of query and key of its 4 heads"));
  EXPECT_EQ(difference(fused, b).cause, Cause::parameter_rotary_layout);
}

at::Tensor nhwc_columns(const at::Tensor& a, std::int64_t c, std::int64_t h, std::int64_t w) {
  return a.view({-1, c, h, w}).permute({0, 2, 3, 1}).reshape(a.sizes());
}

TEST_F(Diagnosis, ColumnsBehindAFlattenAreNamed) {
  const auto a = torch::randn({10, 8 * 3 * 4});
  const auto b = nhwc_columns(a, 8, 3, 4);
  auto known = kLinear;
  known.flattened = {8, 3, 4};
  auto found = difference(a, b, known);
  EXPECT_EQ(found.cause, Cause::parameter_flatten_order);
  EXPECT_THAT(found.message, HasSubstr("in the order (H, W, C) of (C, H, W) = (8, 3, 4); the reference has (C, H, W)"));
  expect_mended(found, a, b);
  EXPECT_THAT(difference(b, a, known).message, HasSubstr("in the order (C, H, W)"));
  found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_flatten_order);
  const auto square = torch::randn({10, 8 * 16});
  EXPECT_THAT(difference(square, nhwc_columns(square, 8, 4, 4)).message,
              HasSubstr("order (16 positions, 8 channels), as NHWC flattens"));
  EXPECT_THAT(difference(nhwc_columns(square, 8, 4, 4), square).message,
              HasSubstr("order (8 channels, 16 positions), as NCHW flattens"));
  auto dead = square.clone();
  dead.narrow(1, 16, 48).zero_();
  EXPECT_EQ(difference(dead, nhwc_columns(dead, 8, 4, 4)).cause, Cause::parameter_flatten_order)
      << "with equal columns";
}

TEST_F(Diagnosis, OtherOrdersOfSlicesArePermuted) {
  const auto a = torch::randn({12, 7});
  auto b = a.index_select(0, torch::tensor({3, 1, 2, 0, 4, 5, 9, 7, 8, 6, 10, 11}));
  auto found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_permuted);
  EXPECT_THAT(found.message, HasSubstr("4 of its 12 rows are in another order: number 0 is the reference's 3"));
  expect_mended(found, a, b);
  b = a.index_select(1, torch::randperm(7)).index_select(0, torch::randperm(12));
  found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_permuted);
  EXPECT_THAT(found.message, HasSubstr("columns"));
  expect_mended(found, a, b);
  const auto first = torch::randn({16, 3, 3, 3});
  EXPECT_THAT(difference(first, first.flip({1}), kConv).message, HasSubstr("BGR against RGB"));
  const auto bias = torch::randn({9});
  EXPECT_EQ(difference(bias, bias.index_select(0, torch::tensor({0, 2, 1, 3, 4, 5, 6, 7, 8}))).cause,
            Cause::parameter_permuted);
}

TEST_F(Diagnosis, ValuesAtOtherPlacesWithoutAnOrderAreToldAsSuch) {
  const auto a = torch::randn({12, 7});
  const auto found = difference(a, a.flatten().index_select(0, torch::randperm(84)).view({12, 7}));
  EXPECT_EQ(found.cause, Cause::parameter_permuted);
  EXPECT_FALSE(found.mended.defined());
  EXPECT_EQ(found.repair, "copy the reference's values");
}

TEST_F(Diagnosis, FewOrCoarseValuesAreNotCalledPermuted) {
  const auto values = [](std::vector<float> list, Shape shape) { return torch::tensor(list).view(shape); };
  EXPECT_EQ(difference(values({0, 1}, {2}), values({1, 0}, {2})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(values({0, 1, 0, 0}, {2, 2}), values({0, 0, 1, 0}, {2, 2})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(values({1, 2, 3, 2}, {4}), values({2, 1, 2, 3}, {4})).cause, Cause::parameter_value);
  const auto mask = torch::ones({16, 16}).tril();
  EXPECT_EQ(difference(mask, mask.t().contiguous()).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::full({3, 4}, 0.5), torch::full({4, 3}, 0.5)).cause, Cause::parameter_shape);
}

TEST_F(Diagnosis, RandomTensorsAreOtherValues) {
  for (const Shape& shape : {Shape{1}, Shape{2}, Shape{7}, Shape{4, 4}, Shape{9, 9}, Shape{64, 64}, Shape{8, 8, 1, 1},
                             Shape{8, 8, 3, 3}, Shape{5, 5, 5}, Shape{1, 1, 1, 1}}) {
    for (const auto& r : {kConv, kLinear, role("lstm", "weight_ih"), role("")}) {
      const auto found = difference(3 + 0.7 * torch::randn(shape), 3 + 0.7 * torch::randn(shape), r);
      EXPECT_EQ(found.cause, Cause::parameter_value) << found.message << " of " << shape;
      EXPECT_FALSE(found.mended.defined());
    }
  }
}

TEST_F(Diagnosis, HalfPrecisionTargetsAreComparedInTheirPrecision) {
  const auto a = torch::randn({16, 6});
  const auto b = a.t().contiguous().to(torch::kHalf);
  EXPECT_EQ(difference(a, b, kLinear, true).cause, Cause::parameter_transposed);
  const auto conv = torch::randn({8, 4, 3, 3});
  const auto flipped = conv.flip({2, 3}).to(torch::kBFloat16);
  const auto found = difference(conv, flipped, kConv, true);
  EXPECT_EQ(found.cause, Cause::parameter_flipped);
  expect_mended(found, conv, flipped);
}

// ---- biases of recurrent layers

TEST_F(Diagnosis, MergedBiasesAreNamedAndMatterToAGruOnly) {
  const auto ih = torch::randn({24}), hh = torch::randn({24}), zero = torch::zeros({24});
  auto found = diagnose_merged_biases(ih, hh, ih + hh, zero, role("lstm", "bias_ih"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->benign);
  EXPECT_THAT(found->message, HasSubstr("the sum of both"));
  found = diagnose_merged_biases(ih, hh, ih + hh, zero, role("gru", "bias_ih"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->benign);
  EXPECT_THAT(found->message, HasSubstr("reset gate"));
  auto kept = torch::cat({torch::zeros({16}), hh.narrow(0, 16, 8)});
  found = diagnose_merged_biases(ih, hh, ih + hh - kept, kept, role("gru", "bias_ih"));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->benign) << "only r and z are merged";
}

TEST_F(Diagnosis, BiasesThatDifferOtherwiseAreNotMerged) {
  const auto ih = torch::randn({24}), hh = torch::randn({24}), zero = torch::zeros({24});
  const auto lstm = role("lstm", "bias_ih");
  EXPECT_FALSE(diagnose_merged_biases(ih, hh, ih.clone(), hh.clone(), lstm));
  EXPECT_FALSE(diagnose_merged_biases(ih, hh, ih, zero, lstm)) << "b_hh was forgotten";
  EXPECT_FALSE(diagnose_merged_biases(ih, hh, ih + hh + 0.01, zero, lstm));
  EXPECT_FALSE(diagnose_merged_biases(ih, hh, torch::randn({12}), torch::randn({12}), lstm));
  EXPECT_FALSE(diagnose_merged_biases(ih, hh, ih, {}, lstm));
}

}  // namespace
}  // namespace sonde::compare
