// The meta-model as it is built from a catalog and records.
#include "rules/meta_model.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

MetaModel model_of(FakeNetwork& net) {
  net.run(2);
  return rules::read_meta_model(net.catalog(), net.pushed());
}

const Operation& at(const MetaModel& model, const std::string& layer) {
  for (const Operation& operation : model.operations)
    if (operation.layer == layer) return operation;
  throw std::invalid_argument(layer);
}

TEST(MetaModel, HoldsTheLayersInTheOrderOfTheDataFlow) {
  FakeNetwork net({"fc1", "norm1", "relu1", "dropout1", "fc2"}, "aten::cross_entropy_loss");
  const MetaModel model = model_of(net);
  std::vector<std::string> layers;
  for (const Operation& operation : model.operations)
    if (operation.is_layer()) layers.push_back(operation.layer);
  EXPECT_EQ(layers, (std::vector<std::string>{"fc1", "fc2"}));
  const Operation& fc1 = at(model, "fc1");
  EXPECT_EQ(fc1.fan_in, 20);
  EXPECT_EQ(fc1.fan_out, 64);
  EXPECT_EQ(fc1.normalization, at(model, "norm1").id);
  EXPECT_EQ(fc1.activation, at(model, "relu1").id);
  EXPECT_EQ(fc1.dropout, at(model, "dropout1").id);
  EXPECT_NEAR(fc1.weight.rms, 0.1, 1e-12);
  EXPECT_EQ(at(model, "fc2").before, at(model, "relu1").id);  // looking past the dropout
}

TEST(MetaModel, KnowsLossLabelsAndInput) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::cross_entropy_loss");
  net.loss = 2.5;
  const MetaModel model = model_of(net);
  EXPECT_EQ(model.loss.kind, LossKind::cross_entropy);
  EXPECT_EQ(model.loss.output, OutputKind::linear);
  EXPECT_EQ(model.loss.width, 10);
  EXPECT_EQ(model.loss.first_value, 2.5);
  EXPECT_EQ(model.task, "multiclass");
  EXPECT_EQ(model.input.batch, 32);
  EXPECT_TRUE(model.labels.values.known());
  EXPECT_TRUE(model.first_step);
  ASSERT_NE(model.find(model.loss.prediction), nullptr);
  EXPECT_EQ(model.find(model.loss.prediction)->layer, "fc2");
}

TEST(MetaModel, BranchesMeetInAJoin) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  const std::uint32_t sum = net.add_operation("aten::add", {net.layer("fc1").site, net.layer("relu1").site});
  net.set_program([&](trace::Program& program) { program.prediction_site = sum; });
  EXPECT_TRUE(model_of(net).find(sum)->joins);
}

TEST(MetaModel, IsTheSameOfTheSameRecords) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  const std::string once = model_of(net).to_json();
  EXPECT_EQ(rules::read_meta_model(net.catalog(), net.pushed()).to_json(), once);
}

TEST(MetaModel, IsOneJsonDocument) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.set_program([](trace::Program& program) {
    program.groups = {{"Adam", 0.001, 0.9, 0, {"fc1.weight"}}};
    program.modules = {{"fc1", "Linear", true}};
  });
  const auto json = nlohmann::json::parse(model_of(net).to_json());
  EXPECT_EQ(json["schema"]["version"], 1);
  EXPECT_EQ(json["optimizer_groups"][0]["parameters"][0], "fc1.weight");
  EXPECT_TRUE(json["modules"][0]["training"]);
  EXPECT_EQ(json["operations"][2]["fan_in"], 20);
  EXPECT_EQ(json["loss"]["kind"], "squared error");
}

TEST(MetaModel, IsEmptyWithoutAnObservedStep) {
  FakeNetwork net({"fc1", "relu1", "fc2"}, "aten::mse_loss");
  net.observed = false;
  EXPECT_TRUE(model_of(net).operations.empty());
}

}  // namespace
}  // namespace sonde::testing
