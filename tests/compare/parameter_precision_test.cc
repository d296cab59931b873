// Rounded and scaled tensors.
#include "tests/compare/diagnosis.h"

namespace sonde::compare {
namespace {

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

}  // namespace
}  // namespace sonde::compare
