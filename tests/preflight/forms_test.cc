// What preflight() accepts, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/sonde.h>

#include "monitor/training.h"
#include "preflight/snapshot.h"

namespace sonde::tests {
namespace {

using testing::HasSubstr;

template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) { return error.what(); }
  return "";
}

TEST(PreflightForms, SequentialHolderSharedPointerAndStackModuleAreTaken) {
  const Batch batch;
  torch::nn::Sequential sequential(torch::nn::Linear(4, 8), torch::nn::ReLU(), torch::nn::Linear(8, 1));
  torch::optim::SGD first(sequential->parameters(), 0.01);
  const auto loss_of = [&](const torch::Tensor& x) { return torch::mse_loss(sequential->forward(x), batch.y); };
  EXPECT_EQ(kinds(preflight(sequential, loss_of, batch.x, first, PreflightOptions::all())), "");
  EXPECT_EQ(preflight(sequential.ptr(), loss_of, batch.x, first).context.layers, 2u);

  torch::nn::Linear linear(4, 1);
  torch::optim::SGD second(linear->parameters(), 0.01);
  const auto linear_loss = [&] { return torch::mse_loss(linear->forward(batch.x), batch.y); };
  EXPECT_EQ(preflight(linear, linear_loss, second).context.steps, 1u);

  const auto net = std::make_shared<Net>();
  torch::optim::SGD third(net->parameters(), 0.01);
  EXPECT_EQ(preflight(
                net, [&] { return torch::mse_loss(net->forward(batch.x), batch.y); }, third)
                .context.steps,
            1u);
  EXPECT_EQ(preflight(
                *net, [&] { return torch::mse_loss(net->forward(batch.x), batch.y); }, third)
                .context.steps,
            1u);
}

TEST(PreflightForms, BareTensorsAreTaken) {
  torch::manual_seed(1);
  const Batch batch;
  auto slope = torch::randn({4, 1}, torch::requires_grad()), offset = torch::zeros({1}, torch::requires_grad());
  torch::optim::SGD optimizer({slope, offset}, 0.01);
  const auto loss_of = [&](const torch::Tensor& x) { return torch::mse_loss(x.mm(slope) + offset, batch.y); };
  const auto before = snapshot({slope, offset});
  const auto report = preflight(NamedTensors{{"slope", slope}, {"offset", offset}}, loss_of, batch.x, optimizer,
                                PreflightOptions::all());
  EXPECT_EQ(kinds(report), "");
  EXPECT_TRUE(snapshot({slope, offset}) == before);
}

TEST(PreflightForms, MisuseIsRefusedAsByAMonitor) {
  Net net;
  const Batch batch;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  const auto loss_of = [&] { return torch::mse_loss(net.forward(batch.x), batch.y); };
  EXPECT_THAT(refusal([&] { (void)preflight(std::shared_ptr<Net>(), loss_of, optimizer); }), HasSubstr("null"));
  EXPECT_THAT(refusal([&] { (void)preflight(torch::nn::Linear(nullptr), loss_of, optimizer); }), HasSubstr("null"));
  EXPECT_THAT(refusal([&] { (void)preflight(net, std::function<torch::Tensor()>(), optimizer); }), HasSubstr("empty"));
  EXPECT_THAT(refusal([&] {
                (void)preflight(
                    net, [&](const torch::Tensor&) { return loss_of(); }, {}, optimizer);
              }),
              HasSubstr("undefined input"));
  EXPECT_THAT(refusal([&] {
                (void)preflight(
                    net, [&] { return net.forward(batch.x); }, optimizer);
              }),
              HasSubstr("[16, 1]"));
  PreflightOptions options;
  options.fit_steps = 9;
  EXPECT_THAT(refusal([&] { (void)preflight(net, loss_of, optimizer, options); }), HasSubstr("fit_steps is 9"));
}

TEST(PreflightForms, ExperimentsThatNeedTheInputSaySo) {
  Net net;
  const Batch batch;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  const auto report = preflight(
      net, [&] { return torch::mse_loss(net.forward(batch.x), batch.y); }, optimizer, PreflightOptions::all());
  EXPECT_TRUE(not_observed(report, "whether the loss depends on the input"));
  EXPECT_TRUE(not_observed(report, "whether samples depend on each other"));
}

TEST(PreflightForms, OneThreadMayMonitorAndPreflightTheSameModel) {
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  Monitor monitor(net, optimizer, observed());
  train(net, optimizer, monitor, 2);
  const Batch batch;
  (void)preflight(
      net, [&] { return torch::mse_loss(net.forward(batch.x), batch.y); }, optimizer, PreflightOptions::all());
  train(net, optimizer, monitor, 3);
  EXPECT_EQ(monitor.report().context.steps, 5u);
  EXPECT_EQ(kinds(monitor.report()), "");
}

TEST(PreflightForms, TheTracedStepFindsWhatIsCertainAtOnce) {
  Net net;
  const Batch batch;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  const auto report = preflight(
      net, [&] { return torch::log(net.forward(batch.x) * 0).mean(); }, optimizer);
  ASSERT_NE(find(report, "non-finite"), nullptr);
  EXPECT_EQ(find(report, "non-finite")->causes.at(0).cause, Cause::log_of_zero);
}

}  // namespace
}  // namespace sonde::tests
