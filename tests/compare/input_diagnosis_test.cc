#include "compare/input_diagnosis.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

namespace sonde::compare {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Smooth, with different channels: as photographs are, and no rearrangement of itself.
at::Tensor pictures(std::int64_t count = 2, std::int64_t height = 20, std::int64_t width = 24) {
  torch::manual_seed(3);
  const auto coarse = torch::rand({count, 3, 5, 6});
  return torch::upsample_bilinear2d(coarse, {height, width}, false);
}

InputDifference difference(const at::Tensor& reference, const at::Tensor& target) {
  const auto found = diagnose_input(reference, target);
  EXPECT_TRUE(found.has_value());
  return found.value_or(InputDifference{Cause::frozen_in, "", {}, ""});
}

at::Tensor channels(std::initializer_list<float> values) {
  return torch::tensor(std::vector<float>(values)).view({1, -1, 1, 1});
}

TEST(InputDiagnosis, EqualWithinRoundingIsNoDifference) {
  const auto x = pictures();
  EXPECT_FALSE(diagnose_input(x, x.clone()));
  EXPECT_FALSE(diagnose_input(x, x.to(torch::kHalf)));
  EXPECT_FALSE(diagnose_input(x, (x * 3 - 1 + 1) / 3));
  EXPECT_FALSE(diagnose_input(x.to(torch::kDouble), x));
  const auto tokens = torch::randint(0, 1000, {4, 16});
  EXPECT_FALSE(diagnose_input(tokens, tokens.clone()));
  auto nan = x.clone();
  nan[0][0][0][0] = std::nan("");
  EXPECT_FALSE(diagnose_input(nan, nan.clone()));
}

TEST(InputDiagnosis, ReversedChannelsAreNamed) {
  const auto x = pictures();
  auto found = difference(x, x.flip({1}));
  EXPECT_EQ(found.cause, Cause::input_channels_flipped);
  EXPECT_EQ(found.message, "channels are in reverse order (BGR against RGB)");
  EXPECT_THAT(found.repair, HasSubstr("flip({1})"));
  const auto last = x.permute({0, 2, 3, 1}).contiguous();
  EXPECT_THAT(difference(last, last.flip({3})).repair, HasSubstr("flip({3})"));
  EXPECT_EQ(difference(x[0], x[0].flip({0})).cause, Cause::input_channels_flipped) << "without a batch";
}

TEST(InputDiagnosis, GreyImagesHaveNoOrderOfChannels) {
  const auto grey = pictures().narrow(1, 0, 1).expand({2, 3, 20, 24});
  EXPECT_FALSE(diagnose_input(grey, grey.flip({1})));
  EXPECT_EQ(difference(grey, grey * 2).cause, Cause::input_scale);
}

TEST(InputDiagnosis, LayoutsAreNamed) {
  const auto x = pictures();
  auto found = difference(x, x.permute({0, 2, 3, 1}).contiguous());
  EXPECT_EQ(found.cause, Cause::input_layout);
  EXPECT_EQ(found.message, "it is NHWC; the reference is NCHW");
  EXPECT_THAT(found.repair, HasSubstr("(0, 3, 1, 2)"));
  EXPECT_EQ(difference(x.permute({0, 2, 3, 1}), x).message, "it is NCHW; the reference is NHWC");
  EXPECT_EQ(difference(x[0], x[0].permute({1, 2, 0})).message, "it is HWC; the reference is CHW");
  EXPECT_EQ(difference(x, x.transpose(2, 3)).message, "height and width are swapped");
  const auto square = pictures(2, 20, 20);
  EXPECT_EQ(difference(square, square.transpose(2, 3)).message, "height and width are swapped");
}

TEST(InputDiagnosis, MemoryReadInTheWrongLayoutIsNamed) {
  const auto x = pictures();
  const auto found = difference(x, x.permute({0, 2, 3, 1}).contiguous().view({2, 3, 20, 24}));
  EXPECT_EQ(found.cause, Cause::input_layout);
  EXPECT_THAT(found.message, HasSubstr("its memory holds another layout than its sizes say: it is NHWC"));
}

TEST(InputDiagnosis, OneAffineMapIsNamed) {
  const auto x = pictures();
  auto found = difference(x, x * 255);
  EXPECT_EQ(found.cause, Cause::input_scale);
  EXPECT_EQ(found.message, "x' = 255 x");
  EXPECT_EQ(found.repair, "apply x = x' / 255 to the input");
  EXPECT_EQ(difference(x * 255, x).message, "x' = x / 255");
  EXPECT_EQ(difference(x, x * 2 - 1).message, "x' = 2 x - 1");
  EXPECT_EQ(difference(x, (x * 255).round().to(torch::kByte)).message, "x' = 255 x, rounded to whole numbers");
  EXPECT_EQ(difference(x, (x * 2 - 1).to(torch::kHalf)).cause, Cause::input_scale);
  const auto tokens = torch::randint(0, 1000, {4, 16});
  EXPECT_EQ(difference(tokens, tokens + 1).message, "x' = x + 1");
}

TEST(InputDiagnosis, AMapForEachChannelIsNamed) {
  const auto x = pictures();
  const auto normalised = (x - channels({0.485F, 0.456F, 0.406F})) / channels({0.229F, 0.224F, 0.225F});
  auto found = difference(normalised, x);
  EXPECT_EQ(found.cause, Cause::input_scale);
  EXPECT_EQ(found.message,
            "channel 0: x' = 0.229 x + 0.485, channel 1: x' = 0.224 x + 0.456, channel 2: x' = 0.225 x + 0.406");
  EXPECT_THAT(found.repair, HasSubstr("x = (x' - 0.485) / 0.229"));
  const auto other = (x - channels({0.5F, 0.456F, 0.406F})) / channels({0.229F, 0.224F, 0.225F});
  EXPECT_THAT(difference(normalised, other).message, HasSubstr("channel 1: x' = x, channel 2: x' = x"));
}

TEST(InputDiagnosis, ALayoutOrFlipWithAMapIsBoth) {
  const auto x = pictures();
  auto found = difference(x, x.flip({1}) * 255);
  EXPECT_EQ(found.cause, Cause::input_channels_flipped);
  EXPECT_EQ(found.message, "channels are in reverse order (BGR against RGB); then x' = 255 x");
  found = difference(x, (x * 2 - 1).permute({0, 2, 3, 1}).contiguous());
  EXPECT_EQ(found.cause, Cause::input_layout);
  EXPECT_THAT(found.message, HasSubstr("it is NHWC; the reference is NCHW; then x' = 2 x - 1"));
  const auto mean = channels({0.485F, 0.456F, 0.406F});
  found = difference(x, (x - mean).flip({1}).contiguous());
  EXPECT_EQ(found.cause, Cause::input_channels_flipped);
  found = difference(x, x.flip({1}).permute({0, 2, 3, 1}).contiguous());
  EXPECT_EQ(found.cause, Cause::input_layout);
  EXPECT_THAT(found.message, HasSubstr("channels are in reverse order"));
}

TEST(InputDiagnosis, ShiftsMirrorsAndOtherOrdersOfSamplesAreTold) {
  const auto x = pictures();
  auto found = difference(x, x.roll({1}, {3}));
  EXPECT_EQ(found.cause, Cause::input_differs);
  EXPECT_THAT(found.message, HasSubstr("by 1 in dimension 3"));
  EXPECT_THAT(difference(x, x.roll({-1, 1}, {2, 3})).message,
              HasSubstr("by -1 in dimension 2 and by 1 in dimension 3"));
  EXPECT_EQ(difference(x, x.flip({3})).message, "it is mirrored along dimension 3");
  EXPECT_THAT(difference(x, x.flip({0})).message, HasSubstr("same samples in another order"));
}

TEST(InputDiagnosis, AnotherResizeFilterIsEvidence) {
  torch::manual_seed(5);
  const auto large = torch::rand({1, 3, 96, 96});
  const auto area = torch::avg_pool2d(large, {2, 2});
  const auto nearest = large.index({torch::indexing::Slice(), torch::indexing::Slice(),
                                    torch::indexing::Slice(0, 96, 2), torch::indexing::Slice(0, 96, 2)});
  const auto sharpened = area + (area - torch::avg_pool2d(area, {3, 3}, {1, 1}, {1, 1}, false, false));
  auto found = difference(area, sharpened);
  EXPECT_EQ(found.cause, Cause::input_differs);
  EXPECT_THAT(found.evidence.back(), HasSubstr("another filter for resizing"));
  found = difference(area, torch::rand({1, 3, 48, 48}));
  EXPECT_THAT(found.evidence.back(), Not(HasSubstr("filter")));
  EXPECT_EQ(difference(area, nearest).cause, Cause::input_differs);
}

TEST(InputDiagnosis, WhatNoMapExplainsIsOnlyMeasured) {
  const auto x = pictures();
  EXPECT_EQ(difference(x, x.square()).cause, Cause::input_differs) << "gamma";
  EXPECT_EQ(difference(x, x + 0.01 * torch::randn_like(x)).cause, Cause::input_differs);
  EXPECT_EQ(difference(x, torch::rand_like(x)).cause, Cause::input_differs);
  EXPECT_EQ(difference(torch::rand({3}), torch::rand({3})).cause, Cause::input_differs) << "too few to tell";
  EXPECT_EQ(difference(torch::zeros({2, 3, 8, 8}), torch::ones({2, 3, 8, 8})).cause, Cause::input_differs);
  EXPECT_THAT(difference(x, pictures(2, 18, 24)).message, HasSubstr("its shape is (2, 3, 18, 24)"));
  EXPECT_THAT(difference(x, torch::rand({7})).message, HasSubstr("its shape is (7)"));
  auto nan = x.clone();
  nan[0][0][0][0] = std::nan("");
  EXPECT_THAT(difference(x, nan).evidence.back(), HasSubstr("1 elements NaN or infinite; 0 in the reference"));
  EXPECT_EQ(difference(torch::rand({4, 10}), torch::rand({4, 10})).cause, Cause::input_differs);
}

}  // namespace
}  // namespace sonde::compare
