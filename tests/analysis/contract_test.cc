#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

using ::testing::HasSubstr;
using trace::Contract;
using trace::Record;

Record contract(const FakeNetwork& net, std::uint32_t site, Contract what) {
  Record record = net.record(trace::RecordKind::contract, site, Phase::gradient);
  record.contract = {};
  record.contract.what = what;
  record.contract.seen = 10;
  for (int i = 0; i < 4; ++i) record.contract.shape_a[i] = record.contract.shape_b[i] = -1;
  record.contract.shape_a[0] = 8;
  record.contract.shape_a[1] = 1;
  record.contract.shape_b[0] = 8;
  return record;
}

TEST(Contract, EachKindIsNamedWithItsCauseAtOnce) {
  struct Row {
    Contract what;
    Cause cause;
    Severity severity;
  };
  using enum Severity;
  for (const Row& row : {Row{Contract::parameter_not_registered, Cause::parameter_not_registered, warning},
                         Row{Contract::parameter_not_optimized, Cause::parameter_not_optimized, warning},
                         Row{Contract::gradients_not_cleared, Cause::missing_zero_grad, warning},
                         Row{Contract::step_missing, Cause::missing_step, error},
                         Row{Contract::graph_cut, Cause::detached_graph, warning},
                         Row{Contract::eval_while_training, Cause::eval_mode_while_training, warning},
                         Row{Contract::loss_broadcast, Cause::loss_broadcast, warning},
                         Row{Contract::learning_rate_in_defaults, Cause::optimizer_settings, warning},
                         Row{Contract::batch_repeated, Cause::repeated_batch, advice}}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    net.extra.push_back(contract(net, net.layer("fc1").parameter, row.what));
    net.run(1);
    const std::vector<Finding> findings = net.findings();
    ASSERT_EQ(findings.size(), 1U) << static_cast<int>(row.what);
    EXPECT_EQ(findings[0].severity, row.severity) << static_cast<int>(row.what);
    EXPECT_EQ(findings[0].causes[0].cause, row.cause) << static_cast<int>(row.what);
  }
}

TEST(Contract, ARepeatedBatchIsHealthyUnderAClosureOptimizer) {
  for (const bool closures : {true, false}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    net.flags = closures ? trace::kRepeated : 0;
    net.extra.push_back(contract(net, net.layer("fc1").parameter, Contract::batch_repeated));
    net.run(1);
    EXPECT_EQ(net.find("batch-repeated") == nullptr, closures) << text_of(net.findings());
  }
}

TEST(Contract, AFrozenBeginningIsHealthyAndAFrozenLayerBetweenOnesThatLearnIsNot) {
  for (const char* name : {"fc1", "fc2"}) {
    FakeNetwork net({"fc1", "relu1", "fc2", "relu2", "fc3", "relu3", "fc4"}, "aten::mse_loss");
    net.layer(name).trained = false;
    net.run(10);
    net.extra.push_back(contract(net, net.layer(name).parameter, Contract::parameter_frozen));
    net.run(20);
    EXPECT_EQ(net.count(Severity::warning), name == std::string("fc2") ? 1U : 0U) << text_of(net.findings());
  }
}

TEST(Contract, AdaptersBetweenFrozenLayersAreHealthy) {
  FakeNetwork net({"fc1", "relu1", "fc2", "relu2", "fc3", "relu3", "fc4", "relu4", "fc5"}, "aten::mse_loss");
  for (const char* name : {"fc2", "fc4"}) net.layer(name).trained = false;
  net.run(10);
  for (const char* name : {"fc2", "fc4"}) {
    net.extra.push_back(contract(net, net.layer(name).parameter, Contract::parameter_frozen));
  }
  net.run(20);
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(Contract, WhatIsDisprovedIsTakenBackAndWhatFollowedStandsForItself) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.extra.push_back(contract(net, 0, Contract::gradients_not_cleared));
  net.run(30, [&](std::uint64_t) {
    for (auto& layer : net.layers()) layer.update = 0.02;
  });
  ASSERT_EQ(net.findings().size(), 1U);
  EXPECT_EQ(net.findings()[0].causes[0].cause, Cause::missing_zero_grad) << text_of(net.findings());
  net.extra.push_back(contract(net, 0, Contract::gradients_not_cleared));
  net.extra.back().flags = trace::kWithdrawn;
  net.run(1);
  EXPECT_EQ(net.find("gradients-not-cleared"), nullptr);
  EXPECT_NE(net.find("large-update"), nullptr) << text_of(net.findings());
}

TEST(Contract, ABrokenRuleSeenAFewTimesIsAWarningAndSeenOftenAnError) {
  for (const std::uint32_t seen : {3U, 10U}) {
    FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
    net.extra.push_back(contract(net, 0, Contract::step_missing));
    net.extra.back().contract.seen = seen;
    net.run(1);
    EXPECT_EQ(net.count(Severity::error), seen == 10 ? 1U : 0U);
    EXPECT_EQ(net.count(Severity::warning), 1U);
  }
}

TEST(Contract, SeveralParametersOutsideTheOptimizerAreOneIncidentAndLayersAreNamed) {
  FakeNetwork net({"fc1", "relu1", "fc2", "relu2", "fc3"}, "aten::mse_loss");
  for (const char* name : {"fc2", "fc3"}) {
    net.extra.push_back(contract(net, net.layer(name).parameter, Contract::parameter_not_optimized));
  }
  net.run(1);
  ASSERT_EQ(net.findings().size(), 1U);
  EXPECT_EQ(net.findings()[0].causes[0].where.layer, "fc2");
  EXPECT_EQ(net.findings()[0].followed_by_layers, 1U);
}

TEST(Contract, ABroadcastTellsBothShapes) {
  FakeNetwork net({"fc1"}, "aten::mse_loss");
  net.extra.push_back(contract(net, 0, Contract::loss_broadcast));
  net.run(1);
  EXPECT_THAT(net.findings().at(0).origin.message, HasSubstr("[8, 1] and target [8]"));
}

}  // namespace
}  // namespace sonde::testing
