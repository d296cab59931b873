#include <cmath>

#include <gtest/gtest.h>

#include "analysis/validated_run.h"

namespace sonde::testing {
namespace {

// Learns for ten epochs, falls back in the eleventh, and stays there.
ValidatedRun stalled() {
  ValidatedRun run;
  run.training = [](double epoch) { return epoch < 10 ? learning(epoch, 0.4, 0.3) : 1.2; };
  run.validation = [](double epoch) { return epoch < 11 ? learning(epoch, 0.4, 0.5) : 1.4; };
  return run;
}

TEST(Stall, ARunThatLostWhatItHadAndDoesNotMoveIsAdvice) {
  const auto net = stalled().run();
  const Finding* finding = net->find("stall");
  ASSERT_NE(finding, nullptr) << text_of(net->findings());
  EXPECT_EQ(net->count(Severity::warning), 0U) << text_of(net->findings());
}

TEST(Stall, AfterTheScheduleHasTakenTheRateAwayItIsTooLow) {
  ValidatedRun run = stalled();
  run.learning_rate = [](double epoch) { return epoch < 10 ? 0.01 : 1e-6; };
  const auto net = run.run();
  const Finding* finding = net->find("stall");
  ASSERT_NE(finding, nullptr) << text_of(net->findings());
  EXPECT_EQ(finding->causes.front().cause, Cause::learning_rate_too_low);
}

TEST(Stall, ARunThatComesBackIsHealthy) {
  ValidatedRun run = stalled();
  run.training = [](double epoch) { return epoch < 10 ? learning(epoch, 0.4, 0.3) : learning(epoch - 10, 0.1, 0.2); };
  run.validation = [](double epoch) { return epoch < 11 ? learning(epoch, 0.4, 0.5) : learning(epoch - 10, 0.1, 0.4); };
  EXPECT_EQ(run.run()->find("stall"), nullptr);
}

TEST(Stall, AHighRateAfterARestartIsWaitedFor) {
  ValidatedRun run = stalled();
  run.learning_rate = [](double epoch) { return epoch < 10 ? 0.01 : 0.1; };
  EXPECT_EQ(run.run()->find("stall"), nullptr);
}

TEST(Stall, AHarderTaskThatIsLearntIsHealthy) {
  ValidatedRun run = stalled();
  run.validation = [](double epoch) { return learning(epoch, 0.1, 0.5); };
  EXPECT_EQ(run.run()->find("stall"), nullptr);
}

}  // namespace
}  // namespace sonde::testing
