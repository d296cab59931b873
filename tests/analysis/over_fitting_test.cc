#include <cmath>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "analysis/validated_run.h"

namespace sonde::testing {
namespace {

// Training goes down for ever; validation is best about epoch 10 and rises from there on.
ValidatedRun over_fitting() {
  ValidatedRun run;
  run.training = [](double epoch) { return learning(epoch, 0.1, 0.0); };
  run.validation = [](double epoch) { return learning(epoch, 0.4, 0.6) + 0.03 * std::max(0.0, epoch - 10); };
  return run;
}

void expect_none(const ValidatedRun& run, const std::string& kind = "over-fitting") {
  const auto net = run.run();
  EXPECT_EQ(net->find(kind), nullptr) << text_of(net->findings());
  EXPECT_EQ(net->count(Severity::warning), 0U) << text_of(net->findings());
}

TEST(OverFitting, AValidationLossThatRisesWhileTheTrainingLossFallsIsAWarning) {
  const auto net = over_fitting().run();
  const Finding* finding = net->find("over-fitting");
  ASSERT_NE(finding, nullptr) << text_of(net->findings());
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_EQ(causes_of(*finding).front(), Cause::too_little_data);
  EXPECT_EQ(causes_of(*finding).at(1), Cause::missing_dropout);
  EXPECT_EQ(finding->origin.where.part, "metric");
  EXPECT_EQ(finding->origin.where.operation, "val_loss");
  EXPECT_NE(finding->causes.front().fix.find("stop at step "), std::string::npos) << finding->causes.front().fix;
}

TEST(OverFitting, NeitherUnitNorDirectionOfTheMetricMatters) {
  for (const double scale : {1.0, 1e-6, 5e4}) {
    for (const double offset : {0.0, 1e3 * scale}) {
      ValidatedRun run = over_fitting();
      run.scale = scale;
      run.offset = offset;
      const auto net = run.run();
      ASSERT_NE(net->find("over-fitting"), nullptr) << scale << ' ' << offset;
      EXPECT_EQ(net->find("over-fitting")->severity, Severity::warning) << scale << ' ' << offset;
    }
  }
  ValidatedRun percent = over_fitting();
  percent.metric = "val/accuracy";
  percent.scale = -20;
  percent.offset = 100;
  const auto net = percent.run();
  ASSERT_NE(net->find("over-fitting"), nullptr);
  EXPECT_EQ(net->find("over-fitting")->severity, Severity::warning);
}

TEST(OverFitting, AMetricWhoseNameSaysNothingIsJudgedWhenItIsToldOrWhenItHasShownWhichWayItLearns) {
  ValidatedRun nameless = over_fitting();
  nameless.metric = "quality";
  expect_none(nameless);
  nameless.told = {Better::lower, Split::validation};
  EXPECT_NE(nameless.run()->find("over-fitting"), nullptr);
  nameless.told = {Better::inferred, Split::validation};
  EXPECT_NE(nameless.run()->find("over-fitting"), nullptr);
}

TEST(OverFitting, ATrainingMetricThatRisesIsNotJudged) {
  ValidatedRun run = over_fitting();
  run.metric = "train_loss";
  expect_none(run);
}

TEST(OverFitting, AGapBetweenTheTwoThatOnlyGrowsBecauseTrainingGetsBetterIsHealthy) {
  ValidatedRun run = over_fitting();
  run.validation = [](double epoch) { return learning(epoch, 0.4, 0.6); };
  expect_none(run);
}

TEST(OverFitting, ANoisyValidationIsHealthy) {
  ValidatedRun run = over_fitting();
  run.validation = [](double epoch) { return learning(epoch, 0.4, 0.6); };
  run.validation_noise = 0.3;
  for (run.seed = 1; run.seed <= 60; ++run.seed) expect_none(run);
}

TEST(OverFitting, AValidationThatWandersIsNoWarning) {
  ValidatedRun run = over_fitting();
  run.validation_noise = 0;
  run.epochs = 80;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    // Neighbours are alike, as with weights that drift: such noise looks like a trend for a while.
    std::mt19937 random(seed);
    double wander = 0;
    run.validation = [&](double epoch) {
      double normal = -6;
      for (int i = 0; i < 12; ++i) normal += random() / 4294967296.0;
      wander = 0.8 * wander + 0.03 * normal;  // deviation 0.05
      return learning(epoch, 0.4, 0.6) + wander;
    };
    EXPECT_EQ(run.run()->count(Severity::warning), 0U) << seed;
  }
}

TEST(OverFitting, ARareValidationSaysNothing) {
  ValidatedRun run = over_fitting();
  run.epochs = 7;
  run.steps = 100;
  run.validation = [](double epoch) { return 0.6 + 0.1 * std::abs(epoch - 3); };
  expect_none(run);
}

TEST(OverFitting, ALateSecondDescentTakesItBack) {
  ValidatedRun run = over_fitting();
  run.epochs = 80;
  run.validation = [](double epoch) {
    const double hump = 0.5 * std::exp(-0.5 * std::pow((epoch - 25) / 8, 2));
    return learning(epoch, 0.4, 0.6) + hump - 0.004 * std::max(0.0, epoch - 30);
  };
  expect_none(run);
}

TEST(OverFitting, RestartsOfTheLearningRateAreHealthy) {
  ValidatedRun run;
  run.epochs = 90;
  const auto phase = [](double epoch) { return std::fmod(epoch, 30.0) / 30; };
  const auto level = [phase](double epoch) {
    const double best = 0.6 * std::pow(0.8, std::floor(epoch / 30));
    return best + (1.2 - best) * std::exp(-5 * phase(epoch));
  };
  run.training = level;
  run.validation = [level](double epoch) { return 0.2 + level(epoch); };
  run.learning_rate = [phase](double epoch) { return 0.05 * (1 + std::cos(M_PI * phase(epoch))); };
  for (run.epochs = 30; run.epochs <= 90; run.epochs += 4) expect_none(run);
}

TEST(OverFitting, ACurriculumThatGetsHarderIsHealthy) {
  ValidatedRun run;
  run.training = [](double epoch) { return learning(std::fmod(epoch, 15.0), 0.2, 0.2) + 0.3 * std::floor(epoch / 15); };
  run.validation = [](double epoch) { return learning(epoch, 0.1, 0.5) + (epoch > 30 ? 0.2 : 0); };
  run.epochs = 45;
  expect_none(run);
}

TEST(OverFitting, ARisingLossBesideAnAccuracyThatHoldsIsOnlyAdvice) {
  ValidatedRun run = over_fitting();
  run.also = [](FakeNetwork& net, double epoch) { net.metric("val_accuracy", 0.9 - 0.6 * std::exp(-0.3 * epoch)); };
  const auto net = run.run();
  ASSERT_NE(net->find("over-fitting"), nullptr);
  EXPECT_EQ(net->count(Severity::warning), 0U) << text_of(net->findings());
}

TEST(OverFitting, ASumThatOnlyEverGrowsIsNoWarning) {
  ValidatedRun run = over_fitting();
  run.metric = "val_loss_sum";
  run.validation = [](double epoch) { return 0.7 * epoch; };
  EXPECT_EQ(run.run()->count(Severity::warning), 0U);
}

TEST(OverFitting, SeveralMetricsThatShowItAreOneFinding) {
  ValidatedRun run = over_fitting();
  run.also = [](FakeNetwork& net, double epoch) {
    net.metric("val_accuracy", 0.9 - 0.6 * std::exp(-0.4 * epoch) - 0.01 * std::max(0.0, epoch - 10));
  };
  const auto net = run.run();
  std::size_t found = 0;
  for (const Finding& finding : net->findings()) found += finding.origin.kind == "over-fitting" ? 1 : 0;
  EXPECT_EQ(found, 1U) << text_of(net->findings());
  EXPECT_EQ(net->find("over-fitting")->followed_by_count, 1U);
}

}  // namespace
}  // namespace sonde::testing
