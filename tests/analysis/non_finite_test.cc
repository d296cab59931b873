#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using trace::OriginKind;
using trace::Record;
using trace::RecordKind;

Record origin(const FakeNetwork& net, std::uint32_t site, OriginKind kind, Phase phase = Phase::forward) {
  Record record = net.record(RecordKind::origin, site, phase);
  record.origin = {};
  record.origin.kind = kind;
  record.origin.via_loss = 1;
  record.origin.count = 640;
  record.origin.negative_infinity = 12;
  record.origin.operands = 1;
  record.origin.operand[0] = {0, 1, 12.0F / 640};
  record.origin.dtype_max = std::numeric_limits<float>::max();
  return record;
}

void poison(FakeNetwork& net, const Record& record) {
  net.extra.push_back(record);
  net.non_finite_loss = net.non_finite_gradient = 1;
  net.loss = std::numeric_limits<double>::quiet_NaN();
}

TEST(NonFinite, LogOfZeroIsAnErrorAtTheOperationWithTheMechanicalCauseFirst) {
  FakeNetwork net({"fc1", "softmax", "log"}, "aten::nll_loss_nd");
  net.run(10);
  poison(net, origin(net, net.layer("log").site, OriginKind::operation));
  net.run(1);
  const Finding* finding = net.find("non-finite");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::error);
  EXPECT_EQ(finding->origin.step, 10U);
  EXPECT_EQ(finding->origin.where.layer, "log");
  EXPECT_EQ(finding->causes[0].cause, Cause::log_of_zero);
  EXPECT_THAT(finding->origin.message, HasSubstr("12 of 640 values are -inf; the input was finite, in [0, 1]"));
  EXPECT_THAT(causes_of(*finding), Not(Contains(Cause::learning_rate_too_high)));
  EXPECT_TRUE(net.engine().broken());
}

TEST(NonFinite, AfterADivergingRunTheLearningRateComesFirst) {
  FakeNetwork net({"fc1", "softmax", "log"}, "aten::nll_loss_nd");
  net.run(40, [&](std::uint64_t step) {
    if (step < 28) return;
    net.loss *= 1.4;
    net.layer("fc1").update = 0.031;
    net.layer("fc1").forward = values(net.layer("fc1").forward.aux * 1.5);
  });
  poison(net, origin(net, net.layer("log").site, OriginKind::operation));
  net.run(1);
  const Finding* finding = net.find("non-finite");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::learning_rate_too_high) << text_of(net.findings());
  EXPECT_EQ(finding->causes[0].where.part, "optimizer");
  EXPECT_THAT(causes_of(*finding), Contains(Cause::log_of_zero));
}

TEST(NonFinite, WhatHadBeenBlowingUpBeforeBelongsToTheSameIncident) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  for (const char* name : {"fc1", "fc2"}) net.layer(name).update = 0.05;
  net.run(40, [&](std::uint64_t) { net.loss *= 1.3; });
  EXPECT_EQ(net.count(Severity::warning), 1U);
  poison(net, origin(net, net.layer("fc2").site, OriginKind::operation));
  net.run(1);
  ASSERT_EQ(net.findings().size(), 1U) << text_of(net.findings());
  const Finding finding = net.findings()[0];
  EXPECT_EQ(finding.origin.kind, "non-finite");
  EXPECT_EQ(finding.causes[0].cause, Cause::learning_rate_too_high);
  EXPECT_GE(finding.followed_by_count, 2U);
  EXPECT_THAT(finding.context, Contains(HasSubstr("since step")));
}

TEST(NonFinite, EachMechanismHasItsCause) {
  struct Row {
    const char* operation;
    OriginKind kind;
    Phase phase;
    Cause cause;
  };
  for (const Row& row : {Row{"aten::div", OriginKind::operation, Phase::forward, Cause::division_by_zero},
                         Row{"aten::exp", OriginKind::operation, Phase::forward, Cause::overflow},
                         Row{"SqrtBackward0", OriginKind::node, Phase::backward, Cause::sqrt_at_zero},
                         Row{"aten::log_", OriginKind::operation, Phase::forward, Cause::log_of_zero},
                         Row{"input", OriginKind::input, Phase::input, Cause::input_non_finite}}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    trace::Site site;
    site.layer = "fc1";
    site.operation = row.operation;
    site.inputs = {net.layer("fc1").site};
    const std::uint32_t id = net.catalog().add(site);
    net.run(3);
    poison(net, origin(net, id, row.kind, row.phase));
    net.run(1);
    const Finding* finding = net.find("non-finite");
    ASSERT_NE(finding, nullptr) << row.operation;
    EXPECT_EQ(finding->causes[0].cause, row.cause) << row.operation;
  }
}

TEST(NonFinite, WhatTheSentinelSeesOnAnUnobservedStepIsAnErrorOfUnknownOrigin) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(5);
  net.observed = false;
  net.non_finite_gradient = 1;
  net.run(1);
  const Finding* finding = net.find("non-finite");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->causes[0].cause, Cause::unknown);
  EXPECT_EQ(finding->origin.where.phase, Phase::gradient);
}

TEST(NonFinite, OnAnUnobservedStepTheOperationsNearTheEdgeOfTheirDomainAreSuspected) {
  for (const bool near : {true, false}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    trace::Site quotient;
    quotient.layer = "fc1";
    quotient.operation = "aten::div";
    quotient.op_class = trace::OpClass::pointwise;
    quotient.inputs = {net.layer("fc1").site, net.layer("relu1").site};
    net.catalog().add(quotient);
    net.layer("relu1").forward.min = near ? 0 : 0.9;
    net.run(5);
    net.observed = false;
    net.non_finite_loss = 1;
    net.run(1);
    const Finding* finding = net.find("non-finite");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->causes[0].cause, near ? Cause::division_by_zero : Cause::unknown);
  }
}

TEST(NonFinite, EverythingAfterItIsFoldedIntoOneIncident) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.run(5);
  for (int i = 0; i < 30; ++i) {
    poison(net, origin(net, net.layer(i % 2 == 0 ? "fc1" : "fc2").site, OriginKind::operation));
    net.run(1);
  }
  EXPECT_EQ(net.count(Severity::warning), 1U);
  EXPECT_EQ(net.find("non-finite")->followed_by_count, 1U);
  EXPECT_EQ(net.find("non-finite")->last_step, 34U);
}

TEST(NonFinite, AMaskOfInfinitiesThatReachesNeitherLossNorGradientIsLegal) {
  FakeNetwork net({"fc1", "softmax", "fc2"}, "aten::mse_loss");
  net.layer("fc1").forward.negative_infinity = 300;
  net.extra.push_back(origin(net, net.layer("fc1").site, OriginKind::operation));
  net.run(30);
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

}  // namespace
}  // namespace sonde::testing
