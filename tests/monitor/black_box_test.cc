// The trace file of a real training: replaying it gives the report of the run, byte for byte.
#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "monitor/training.h"
#include "runtime/replay.h"
#include "trace/trace_file.h"

namespace sonde::tests {
namespace {

class BlackBox : public testing::Test {
 protected:
  ~BlackBox() override { std::filesystem::remove(path_); }

  [[nodiscard]] Options recorded() const {
    Options options;
    options.every_step = true;
    options.trace_file = path_;
    return options;
  }
  [[nodiscard]] Report replayed() const { return runtime::replay(trace::load_trace(path_)); }

  const std::string path_ =
      testing::TempDir() + "/sonde_monitor_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".trace";
};

TEST_F(BlackBox, ChangesNothingOfTheTraining) {
  const auto weights_after = [](const Options& options) {
    torch::manual_seed(7);
    Net net;
    torch::optim::SGD optimizer(net.parameters(), 0.01);
    Monitor monitor(net, optimizer, options);
    train(net, optimizer, monitor, 20);
    return copy_of_weights(net);
  };
  Options plain = recorded();
  plain.trace_file.clear();
  const auto with_file = weights_after(recorded()), without = weights_after(plain);
  for (std::size_t i = 0; i < without.size(); ++i) EXPECT_TRUE(torch::equal(with_file[i], without[i]));
}

TEST_F(BlackBox, ReplaysATrainingThatDiverges) {
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 30.0);
  Monitor monitor(net, optimizer, recorded());
  train(net, optimizer, monitor, 60);
  const Report live = monitor.report();
  EXPECT_GE(live.count(Severity::warning), 1U);
  EXPECT_EQ(replayed().to_json(), live.to_json());
}

TEST_F(BlackBox, ReplaysTwoNetworksThatTrainEachOtherUnderOneMonitor) {
  struct Gan : torch::nn::Module {
    Gan() {
      register_module("generator", generator);
      register_module("judge", judge);
    }
    torch::nn::Linear generator{4, 4}, judge{4, 1};
  } gan;
  torch::optim::Adam generator(gan.generator->parameters(), 1e-2), judge(gan.judge->parameters(), 1e-2);
  Monitor monitor(gan, generator, recorded());
  monitor.follow({&generator, &judge});
  for (int step = 0; step < 40; ++step) {
    const auto real = torch::randn({16, 4}) + 2;
    const auto fake = torch::tanh(gan.generator->forward(torch::randn({16, 4})));
    judge.zero_grad();
    monitor.backward(torch::binary_cross_entropy_with_logits(gan.judge->forward(real), torch::ones({16, 1})) +
                     torch::binary_cross_entropy_with_logits(gan.judge->forward(fake.detach()), torch::zeros({16, 1})));
    judge.step();
    generator.zero_grad();
    monitor.backward(torch::mse_loss(torch::sigmoid(gan.judge->forward(fake)), torch::ones({16, 1})));
    generator.step();
  }
  const std::string live = monitor.report().to_json();
  EXPECT_EQ(replayed().to_json(), live);
}

TEST_F(BlackBox, ReplaysWithTheRulesAndTheTaskThatTheRunWasTold) {
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  Options options = recorded();
  options.task = "multiclass";
  options.rules_off = {"learning-rate-range"};
  options.all_habits = true;
  Monitor monitor(net, optimizer, options);
  train(net, optimizer, monitor, 30);
  const std::string live = monitor.report().to_json();
  EXPECT_EQ(replayed().to_json(), live);
}

TEST_F(BlackBox, ReplaysWhatTheGuardDid) {
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  Options options = recorded();
  options.on_fault = OnFault::skip;
  Monitor monitor(net, optimizer, options);
  train(net, optimizer, monitor, 10);
  const Batch batch;
  optimizer.zero_grad();
  monitor.backward(torch::log(torch::mse_loss(net.forward(batch.x), batch.y) - 1e6));
  const Report live = monitor.report();
  ASSERT_FALSE(live.findings.empty());
  EXPECT_EQ(live.findings[0].kept, "the update of step 10 was not applied (on_fault = skip)");
  EXPECT_EQ(replayed().to_json(), live.to_json());
}

TEST_F(BlackBox, ReplaysATrainingThatWandersFromThreadToThread) {
  Net net;
  torch::optim::SGD optimizer(net.parameters(), 0.01);
  Monitor monitor(net, optimizer, recorded());
  for (int i = 0; i < 4; ++i) std::thread([&] { train(net, optimizer, monitor, 10); }).join();
  const std::string live = monitor.report().to_json();
  EXPECT_EQ(replayed().to_json(), live);
}

TEST_F(BlackBox, NamesTheSourceLineThoughNobodyAskedForAReport) {
  {
    Net net;
    torch::optim::SGD optimizer(net.parameters(), 0.01);
    Monitor monitor(net, optimizer, recorded());
    const Batch batch;
    optimizer.zero_grad();
    monitor.backward(torch::log(torch::mse_loss(net.forward(batch.x), batch.y) - 1e6));
  }
  const Report report = replayed();
  ASSERT_FALSE(report.findings.empty());
  EXPECT_NE(report.findings[0].origin.where.source.file.find("black_box_test.cc"), std::string::npos);
}

}  // namespace
}  // namespace sonde::tests
