#include <cmath>

#include <gtest/gtest.h>

#include "analysis/validated_run.h"

namespace sonde::testing {
namespace {

// Both are where they can get after a fifth of the run.
ValidatedRun over_trained() {
  ValidatedRun run;
  run.training = [](double epoch) { return learning(epoch, 0.7, 0.3); };
  run.validation = [](double epoch) { return learning(epoch, 0.7, 0.5); };
  run.epochs = 60;
  return run;
}

TEST(OverTraining, ARunThatGoesOnLongAfterItsBestIsAdvice) {
  const auto net = over_trained().run();
  const Finding* finding = net->find("over-training");
  ASSERT_NE(finding, nullptr) << text_of(net->findings());
  EXPECT_EQ(finding->severity, Severity::advice);
  EXPECT_EQ(finding->causes.front().cause, Cause::unknown);
  EXPECT_NE(finding->causes.front().fix.find("early stopping"), std::string::npos);
}

TEST(OverTraining, AShortRunIsNotOver) {
  ValidatedRun run = over_trained();
  run.epochs = 16;
  EXPECT_EQ(run.run()->find("over-training"), nullptr);
}

TEST(OverTraining, ARunThatStillLearnsIsNotOver) {
  ValidatedRun slowly = over_trained();
  slowly.validation = [](double epoch) { return learning(epoch, 0.05, 0.5); };
  EXPECT_EQ(slowly.run()->find("over-training"), nullptr);
  ValidatedRun trains = over_trained();
  trains.training = [](double epoch) { return learning(epoch, 0.05, 0.0); };
  EXPECT_EQ(trains.run()->find("over-training"), nullptr);
}

TEST(OverTraining, AWarmUpThatHasNotLearntYetIsNotOver) {
  ValidatedRun run = over_trained();
  run.training = run.validation = [](double) { return 2.3; };
  EXPECT_EQ(run.run()->find("over-training"), nullptr);
}

}  // namespace
}  // namespace sonde::testing
