#include "compare/parameter_diagnosis.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

namespace sonde::compare {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Diagnosis : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(7); }
};

using Shape = std::vector<std::int64_t>;

ParameterRole role(std::string operation, std::string part = "weight") {
  return {std::move(operation), std::move(part), {}, 0};
}

const ParameterRole kConv = role("conv2d");
const ParameterRole kLinear = role("linear");

std::optional<ParameterDifference> diagnose(const at::Tensor& reference, const at::Tensor& target,
                                            const ParameterRole& role = kLinear, bool reduced = false) {
  return diagnose_parameter(reference, target, role, reduced);
}

// Of an expected difference; an empty one, with another cause than any expected, where there is none.
ParameterDifference difference(const at::Tensor& reference, const at::Tensor& target,
                               const ParameterRole& role = kLinear, bool reduced = false) {
  const auto found = diagnose(reference, target, role, reduced);
  EXPECT_TRUE(found.has_value()) << "no difference was found";
  ParameterDifference none;
  none.cause = Cause::frozen_in;
  return found.value_or(none);
}

void expect_mended(const ParameterDifference& found, const at::Tensor& reference, const at::Tensor& target) {
  ASSERT_TRUE(found.mended.defined()) << found.message;
  EXPECT_TRUE(torch::equal(found.mended, reference.to(target.dtype())));
  EXPECT_EQ(found.mended.dtype(), target.dtype());
  EXPECT_NE(found.mended.data_ptr(), reference.data_ptr());
}

std::string evidence(const ParameterDifference& found) {
  std::string all;
  for (const auto& sentence : found.evidence) all += sentence + "\n";
  return all;
}

at::Tensor rows_of(const at::Tensor& tensor, const std::vector<std::int64_t>& order) {
  return tensor.index_select(0, torch::tensor(order));
}

// ---- equal

TEST_F(Diagnosis, EqualTensorsAreNoFault) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{5}, Shape{3, 4}, Shape{8, 3, 3, 3}}) {
    const auto a = torch::randn(shape);
    EXPECT_FALSE(diagnose(a, a.clone()));
    EXPECT_FALSE(diagnose(a, a.to(torch::kDouble)));
  }
  const auto image = torch::randn({4, 3, 5, 5});
  EXPECT_FALSE(diagnose(image, image.contiguous(at::MemoryFormat::ChannelsLast), kConv));
  EXPECT_FALSE(diagnose(torch::arange(5), torch::arange(5)));
  EXPECT_FALSE(diagnose(torch::zeros({3}), -torch::zeros({3})));
}

TEST_F(Diagnosis, NanAtTheSamePlacesIsEqual) {
  auto a = torch::randn({4, 4});
  a[1][2] = std::nan("");
  EXPECT_FALSE(diagnose(a, a.clone()));
  auto b = a.clone();
  b[0][0] = std::nan("");
  const auto found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_value);
  EXPECT_THAT(found.message, HasSubstr("2 elements of 16 NaN or infinite; 1 in the reference"));
  EXPECT_TRUE(std::isinf(found.relative_error));
}

TEST_F(Diagnosis, AnInfiniteElementIsToldAndDoesNotHideTheRest) {
  const auto a = torch::randn({64});
  auto b = a.clone();
  b[3] = std::numeric_limits<float>::infinity();
  const auto found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_value);
  EXPECT_THAT(evidence(found), HasSubstr("element [3] is inf"));
  EXPECT_THAT(evidence(found), HasSubstr("1 of 64 elements differ, 98.4 % are equal"));
}

// ---- precision

TEST_F(Diagnosis, RoundingToAHalfPrecisionIsNamed) {
  const auto a = torch::randn({16, 9});
  for (const auto& [type, name] :
       {std::pair{torch::kHalf, "rounded to half precision"}, {torch::kBFloat16, "rounded to bfloat16"}}) {
    const auto rounded = a.to(type);
    auto found = difference(a, rounded.to(torch::kFloat));
    EXPECT_EQ(found.cause, Cause::parameter_rounded);
    EXPECT_THAT(found.message, HasSubstr(name));
    EXPECT_FALSE(found.benign);
    EXPECT_TRUE(difference(a, rounded.to(torch::kFloat), kLinear, true).benign) << "in a model of half precision";

    EXPECT_FALSE(diagnose(a, rounded, kLinear, true)) << "its own precision, and the model's";
    found = difference(a, rounded);
    EXPECT_EQ(found.cause, Cause::parameter_rounded);
    EXPECT_GT(found.relative_error, 1e-5);
    EXPECT_FALSE(diagnose(rounded.to(torch::kFloat), rounded)) << "nothing was lost";
  }
}

TEST_F(Diagnosis, CuttingOffBitsOrDecimalsIsRoundingToo) {
  const auto a = torch::randn({200});
  const auto cut = a.view(torch::kInt).bitwise_and(static_cast<std::int64_t>(~0xFFFF)).view(torch::kFloat);
  EXPECT_THAT(difference(a, cut).message, HasSubstr("cut off to bfloat16"));
  const auto text = (a.to(torch::kDouble) * 1e4).round().div(1e4).to(torch::kFloat);
  const auto found = difference(a, text);
  EXPECT_EQ(found.cause, Cause::parameter_rounded);
  EXPECT_THAT(found.message, HasSubstr("4 decimals"));
}

TEST_F(Diagnosis, SmallNoiseIsNoRounding) {
  const auto a = torch::randn({16, 9});
  EXPECT_EQ(difference(a, a + 1e-3 * torch::randn({16, 9})).cause, Cause::parameter_value);
  auto partly = a.to(torch::kHalf).to(torch::kFloat);
  partly[3][3] += 0.01;
  EXPECT_EQ(difference(a, partly).cause, Cause::parameter_value);
}

at::Tensor on_grid(const at::Tensor& a, int levels, at::IntArrayRef dims) {
  const auto step = (dims.empty() ? a.abs().max() : a.abs().amax(dims, true)) / levels;
  return (a / step).round().clamp(-levels, levels) * step;
}

TEST_F(Diagnosis, AnIntegerGridIsNamed) {
  const auto a = torch::randn({16, 8, 3, 3});
  auto found = difference(a, on_grid(a, 127, {}), kConv);
  EXPECT_EQ(found.cause, Cause::parameter_rounded);
  EXPECT_THAT(found.message, HasSubstr("8 bits, one step for the tensor"));
  EXPECT_FALSE(found.mended.defined());
  found = difference(a, on_grid(a, 127, {1, 2, 3}), kConv);
  EXPECT_EQ(found.cause, Cause::parameter_rounded);
  EXPECT_THAT(found.message, HasSubstr("each slice of dimension 0"));
  EXPECT_THAT(difference(a, on_grid(a, 7, {0, 2, 3}), kConv).message,
              HasSubstr("4 bits, one step for each slice of dimension 1"));
  const auto depthwise = torch::randn({32, 1, 3, 3});
  EXPECT_EQ(difference(depthwise, on_grid(depthwise, 127, {1, 2, 3}), kConv).cause, Cause::parameter_rounded);
}

TEST_F(Diagnosis, AGridFarFromTheReferenceIsNone) {
  const auto a = torch::randn({16, 8});
  EXPECT_EQ(difference(a, on_grid(0.7 * torch::randn({16, 8}), 127, {})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::rand({64}) + 0.5, torch::ones({64})).cause, Cause::parameter_not_loaded);
  EXPECT_NE(difference(a, a.sign()).cause, Cause::parameter_rounded) << "two levels";
}

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

// ---- scaled

TEST_F(Diagnosis, OneFactorIsNamed) {
  const auto a = torch::randn({8, 5});
  auto found = difference(a, a * 0.3);
  EXPECT_EQ(found.cause, Cause::parameter_scaled);
  EXPECT_THAT(found.message, HasSubstr("times 0.3"));
  EXPECT_THAT(difference(a, -a).message, HasSubstr("-1"));
  EXPECT_THAT(difference(a, a / 255).message, HasSubstr("1/255"));
  EXPECT_EQ(difference(a, (a * 0.3).to(torch::kBFloat16), kLinear, true).cause, Cause::parameter_scaled);
}

TEST_F(Diagnosis, AFactorForEachChannelIsAFoldedNormalisation) {
  const auto a = torch::randn({8, 5, 3, 3});
  auto found = difference(a, a * (torch::rand({8, 1, 1, 1}) + 0.5), kConv);
  EXPECT_EQ(found.cause, Cause::parameter_scaled);
  EXPECT_THAT(found.message, HasSubstr("8 slices of dimension 0"));
  found = difference(a, a * (torch::rand({1, 5, 1, 1}) + 0.5), role("conv_transpose2d"));
  EXPECT_THAT(found.message, HasSubstr("5 slices of dimension 1"));
}

TEST_F(Diagnosis, NearlyScaledOrTooSmallToTellIsNot) {
  const auto a = torch::randn({8, 5});
  EXPECT_EQ(difference(a, a * 0.3 + 1e-4 * torch::randn({8, 5})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::tensor({0.3F}), torch::tensor({0.7F})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::randn({8}), torch::randn({8}), role("batch_norm")).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::randn({8, 1, 1, 1}), torch::randn({8, 1, 1, 1}), kConv).cause, Cause::parameter_value)
      << "one element a channel";
}

TEST_F(Diagnosis, AConstantAddedIsTold) {
  const auto a = torch::randn({64});
  const auto found = difference(a, a - 1, role("layer_norm"));
  EXPECT_EQ(found.cause, Cause::parameter_value);
  EXPECT_THAT(found.message, HasSubstr("plus -1"));
}

// ---- not loaded

TEST_F(Diagnosis, ConstantsWhereTheReferenceHasNoneAreNotLoaded) {
  const auto a = torch::rand({16}) + 0.5;
  for (const double value : {0.0, 1.0, 0.25}) {
    const auto found = difference(a, torch::full({16}, value), role("batch_norm", "running_var"));
    EXPECT_EQ(found.cause, Cause::parameter_not_loaded);
    EXPECT_THAT(found.message, HasSubstr("all its 16 elements are"));
  }
  EXPECT_EQ(difference(torch::full({16}, 0.0), a).cause, Cause::parameter_value) << "the other way round";
  EXPECT_EQ(difference(1e-3 * a, torch::zeros({16})).cause, Cause::parameter_not_loaded) << "and not rounded";
  EXPECT_EQ(difference(torch::full({16}, 0.1), torch::full({16}, 0.2)).cause, Cause::parameter_value);
}

TEST_F(Diagnosis, InitialisersAreRecognised) {
  const auto a = 0.05 * torch::randn({64, 32, 3, 3}) + 0.01;
  const auto fresh = torch::empty({64, 32, 3, 3});
  const double bound = 1 / std::sqrt(32 * 9.0);
  const auto expect = [&](const at::Tensor& target, const char* words) {
    const auto found = difference(a, target, kConv);
    EXPECT_EQ(found.cause, Cause::parameter_not_loaded) << found.message;
    EXPECT_THAT(found.message, HasSubstr(words));
    EXPECT_THAT(evidence(found), HasSubstr("correlation with the reference"));
  };
  expect(torch::empty_like(fresh).uniform_(-bound, bound), "Torch's default");
  expect(torch::nn::init::xavier_uniform_(torch::empty_like(fresh)), "Xavier, uniform");
  expect(torch::nn::init::xavier_normal_(torch::empty_like(fresh)), "Xavier, normal");
  expect(torch::nn::init::kaiming_normal_(torch::empty_like(fresh)), "Kaiming, normal");
  expect(torch::empty_like(fresh).normal_(0, 0.02), "deviation 0.02");
  const torch::nn::Linear layer(256, 128);
  auto found = difference(0.3 * torch::randn({128}), layer->bias, role("linear", "bias"));
  EXPECT_EQ(found.cause, Cause::parameter_not_loaded) << found.message;
  const torch::nn::LSTM lstm(20, 48);
  found =
      difference(0.3 * torch::randn({192, 20}), lstm->named_parameters()["weight_ih_l0"], role("lstm", "weight_ih"));
  EXPECT_EQ(found.cause, Cause::parameter_not_loaded) << found.message;
}

TEST_F(Diagnosis, AnUntrainedReferenceIsSaid) {
  const torch::nn::Linear one(64, 64), other(64, 64);
  const auto found = difference(one->weight, other->weight);
  EXPECT_EQ(found.cause, Cause::parameter_not_loaded);
  EXPECT_THAT(evidence(found), HasSubstr("the reference has that distribution too"));
}

TEST_F(Diagnosis, CorrelatedOrOtherwiseSpreadWeightsAreNotInitialisers) {
  const torch::nn::Linear fresh(64, 64);
  EXPECT_EQ(difference(fresh->weight, fresh->weight + 0.001 * torch::randn({64, 64})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::randn({64, 64}), 0.33 * torch::randn({64, 64})).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::randn({64, 64}), 0.1 * torch::rand({64, 64}).pow(3)).cause, Cause::parameter_value);
}

// ---- shapes and the rest

TEST_F(Diagnosis, AMissingTensorIsNamed) {
  EXPECT_EQ(difference(torch::randn({3}), {}).cause, Cause::parameter_missing);
  EXPECT_THAT(difference({}, torch::randn({3})).message, HasSubstr("the reference has none"));
}

TEST_F(Diagnosis, ShapesAreNamed) {
  const auto a = torch::randn({8, 3});
  auto found = difference(a, torch::randn({4, 3}));
  EXPECT_EQ(found.cause, Cause::parameter_shape);
  EXPECT_EQ(found.message, "its shape is (4, 3); the reference's is (8, 3)");
  EXPECT_TRUE(std::isnan(found.relative_error));
  EXPECT_THAT(evidence(found), Not(HasSubstr("equal")));
  EXPECT_THAT(evidence(difference(a, a.narrow(0, 0, 4))), HasSubstr("the elements that both have are equal"));
  found = difference(a, a.view({8, 3, 1, 1}));
  EXPECT_EQ(found.cause, Cause::parameter_shape);
  EXPECT_TRUE(found.benign);
  EXPECT_EQ(difference(a, a.view({4, 6})).cause, Cause::parameter_shape);
}

TEST_F(Diagnosis, ARowLoadedIntoAllIsTold) {
  const auto a = torch::randn({32, 9});
  const auto found = difference(a, a.narrow(0, 0, 1).expand({32, 9}));
  EXPECT_EQ(found.cause, Cause::parameter_value);
  EXPECT_THAT(found.message, HasSubstr("all its 32 rows are the same"));
}

TEST_F(Diagnosis, FewChangedElementsAreNamed) {
  const auto a = torch::randn({6, 5});
  auto b = a.clone();
  b[2][3] += 0.01;
  b[4][0] = 9;
  auto found = difference(a, b);
  EXPECT_EQ(found.cause, Cause::parameter_value);
  EXPECT_THAT(evidence(found), HasSubstr("2 of 30 elements differ"));
  EXPECT_THAT(evidence(found), HasSubstr("element [4, 0] is 9"));
  b = a.clone();
  b[5] += torch::randn({5});
  EXPECT_THAT(evidence(difference(a, b)),
              HasSubstr("all of them in 1 of its 6 slices of dimension 0, the first is number 5"));
}

TEST_F(Diagnosis, IntegersAndOtherKindsOfTensorsAreCompared) {
  EXPECT_EQ(difference(torch::arange(6), torch::arange(6) + 3).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::tensor(1000), torch::tensor(7)).cause, Cause::parameter_value);
  EXPECT_EQ(difference(torch::tensor(1000), torch::tensor(0)).cause, Cause::parameter_not_loaded);
  EXPECT_EQ(difference(torch::tensor({true, false}), torch::tensor({true, true})).cause, Cause::parameter_not_loaded);
  const auto c = torch::randn({4, 5}, torch::kComplexFloat);
  EXPECT_FALSE(diagnose(c, c.clone()));
  EXPECT_EQ(difference(c, c * 2).cause, Cause::parameter_scaled);
  const auto a = torch::randn({16, 8});
  const auto quantised = torch::quantize_per_tensor(a, a.abs().max().item<double>() / 127, 0, torch::kQInt8);
  EXPECT_EQ(difference(a, quantised).cause, Cause::parameter_rounded);
}

TEST_F(Diagnosis, DoesNotTouchTheTensors) {
  auto a = torch::randn({8, 8}, torch::requires_grad());
  const auto before = a.detach().clone();
  const auto found = difference(torch::randn({8, 8}), a);
  EXPECT_TRUE(torch::equal(a, before));
  EXPECT_FALSE(found.mended.requires_grad());
}

}  // namespace
}  // namespace sonde::compare
