#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "analysis/fake_network.h"

namespace sonde::testing {
namespace {

using trace::Record;
using trace::RecordKind;

// A run with several troubles: saturation, a dead layer, a loss that does not move, a NaN at the end.
void trouble(FakeNetwork& net) {
  net.layer("sigmoid1").forward.beyond = 0.9F;
  net.layer("fc2").backward = zeros();
  net.layer("relu2").forward.units = net.layer("relu2").forward.silent_units = net.layer("relu2").forward.dead_units =
      64;
  net.run(200);
  net.layer("fc3").forward.nan = 3;
  net.non_finite_loss = 1;
  net.run(3);
}

const std::vector<std::string> kLayers{"fc1", "sigmoid1", "fc2", "relu2", "fc3"};

TEST(Engine, IsSilentOnAHealthyRun) {
  FakeNetwork net({"fc1", "relu1", "fc2", "tanh2", "fc3"}, "aten::cross_entropy_loss");
  net.run(300, [&](std::uint64_t step) {
    net.loss = 2.3 / (1 + 0.05 * static_cast<double>(step));
    net.observed = step < 20 || step % 17 == 0;
  });
  EXPECT_TRUE(net.findings().empty()) << text_of(net.findings());
  EXPECT_FALSE(net.engine().broken());
  EXPECT_FALSE(net.engine().suspicious());
  EXPECT_EQ(net.engine().totals().steps, 300U);
  EXPECT_EQ(net.engine().totals().first_loss, 2.3);
}

TEST(Engine, FoldsTheTroublesOfOneNetworkIntoFewIncidents) {
  FakeNetwork net(kLayers, "aten::mse_loss");
  trouble(net);
  EXPECT_LE(net.count(Severity::warning), 2U) << text_of(net.findings());
  EXPECT_TRUE(net.engine().broken());
  EXPECT_TRUE(net.engine().suspicious());
}

TEST(Engine, FeedsOfAnySizeGiveTheSameFindings) {
  FakeNetwork net(kLayers, "aten::mse_loss");
  trouble(net);
  analysis::Engine whole(net.catalog());
  whole.consume(net.pushed());
  analysis::Engine single(net.catalog());
  for (const Record& record : net.pushed()) single.consume({&record, 1});
  EXPECT_EQ(text_of(whole.findings()), text_of(single.findings()));
  EXPECT_EQ(text_of(whole.findings()), text_of(net.findings()));
  EXPECT_FALSE(whole.findings().empty());
}

TEST(Engine, AskingForFindingsChangesNothing) {
  FakeNetwork net(kLayers, "aten::mse_loss");
  trouble(net);
  const std::string before = text_of(net.findings());
  EXPECT_EQ(text_of(net.findings()), before);
}

TEST(Engine, SparseObservationGivesTheSameVerdictAsDense) {
  for (const std::uint64_t every : {1, 13, 50}) {
    FakeNetwork net({"fc1", "sigmoid1", "fc2"}, "aten::mse_loss");
    net.layer("sigmoid1").forward.beyond = 0.9F;
    net.run(400, [&](std::uint64_t step) { net.observed = step < 20 || step % every == 0; });
    EXPECT_EQ(net.count(Severity::warning), 1U) << every;
    EXPECT_NE(net.find("saturation"), nullptr) << every;
  }
}

TEST(Engine, AWarningIsTakenBackWhenTheLossFallsAfterAll) {
  FakeNetwork net({"fc1", "sigmoid1", "fc2"}, "aten::mse_loss");
  net.layer("sigmoid1").forward.beyond = 0.9F;
  net.run(30);
  EXPECT_EQ(net.count(Severity::warning), 1U);
  net.run(300, [&](std::uint64_t step) { net.loss = 1 / (1 + 0.02 * static_cast<double>(step)); });
  EXPECT_EQ(net.count(Severity::warning), 0U) << text_of(net.findings());
}

TEST(Engine, AModelThatWasNeverInTrainingModeIsSuspectedWhenItGoesWrong) {
  for (const std::uint8_t mode : {0, 1}) {
    FakeNetwork net({"fc1", "dropout1", "sigmoid1", "fc2"}, "aten::mse_loss");
    net.training_mode = mode;
    net.layer("sigmoid1").forward.beyond = 0.9F;
    net.run(30);
    ASSERT_EQ(net.count(Severity::warning), 1U);
    const std::vector<Cause> causes = causes_of(net.findings()[0]);
    EXPECT_EQ(std::ranges::count(causes, Cause::eval_mode_while_training), mode == 0 ? 1 : 0);
  }
}

TEST(Engine, StepsWithoutBeginOrEndAreJudgedAllTheSame) {
  FakeNetwork net({"fc1", "softmax", "fc2"}, "aten::mse_loss");
  for (int i = 0; i < 5; ++i) {
    std::vector<Record> records = net.step();
    if (i % 2 == 0) records.erase(records.begin());
    if (i % 2 == 1) records.pop_back();
    const_cast<analysis::Engine&>(net.engine()).consume(records);
  }
  EXPECT_GE(net.engine().totals().observed_steps, 4U);
}

TEST(Engine, RandomRecordsNeverCrashIt) {
  std::mt19937 random(7);
  const auto dice = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const auto real = [&]() -> double {
    constexpr double kOdd[] = {0, -1, 1e308, -1e308, 1e-320};
    switch (dice(6)) {
      case 0:
        return std::numeric_limits<double>::quiet_NaN();
      case 1:
        return std::numeric_limits<double>::infinity();
      case 2:
        return -std::numeric_limits<double>::infinity();
      case 3:
        return kOdd[dice(5)];
      default:
        return std::exp(static_cast<double>(dice(40)) - 20.0);
    }
  };
  FakeNetwork net(kLayers, "aten::cross_entropy_loss");
  analysis::Engine engine(net.catalog());
  for (int i = 0; i < 100000; ++i) {
    Record record;
    std::uint32_t bytes[sizeof(Record) / 4];
    if (dice(4) == 0) {  // any bytes at all; enums stay in a byte, values are checked by nobody before us
      for (std::uint32_t& word : bytes) word = random();
      std::memcpy(&record, bytes, sizeof record);
    }
    record.kind = static_cast<RecordKind>(dice(dice(20) == 0 ? 256 : 6));
    record.phase = static_cast<Phase>(dice(dice(20) == 0 ? 256 : 7));
    record.flags = static_cast<std::uint8_t>(dice(64));
    record.site = dice(50) == 0 ? random() : dice(12);
    record.step = dice(50) == 0 ? random() : static_cast<std::uint64_t>(i / 30);
    if (record.kind == RecordKind::tensor && dice(2) == 0) {
      record.tensor.count = dice(1000);
      record.tensor.zeros = dice(1000);
      record.tensor.units = dice(70);
      record.tensor.silent_units = dice(70);
      record.tensor.dead_units = dice(70);
      record.tensor.min = real();
      record.tensor.max = real();
      record.tensor.mean = real();
      record.tensor.mean_square = real();
      record.tensor.beyond = static_cast<float>(real());
      record.tensor.aux = real();
    }
    if (record.kind == RecordKind::loss) record.loss.value = real();
    engine.consume({&record, 1});
    if (i % 5000 == 0) (void)engine.findings();
  }
  EXPECT_LE(engine.findings().size(), 64U);
}

}  // namespace
}  // namespace sonde::testing
