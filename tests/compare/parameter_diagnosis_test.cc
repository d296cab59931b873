#include "compare/parameter_diagnosis.h"

#include <cmath>
#include <limits>

#include "tests/compare/diagnosis.h"

namespace sonde::compare {
namespace {

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
