#include "faults/scoring.h"

#include <gtest/gtest.h>

#include "faults/readers.h"
#include "tests/faults/sample_case.h"

namespace sonde::faults {
namespace {

Seen finding(Severity severity, const std::string& cause, Place where, std::int64_t step = 0) {
  return {severity, "kind", "message", step, where, {{cause, 0.9, where}}};
}

const Place kOptimizer{"", "optimizer", ""};
const Place kFirstLayer{"fc", "", "aten::addmm"};
const Place kElsewhere{"out", "", "aten::addmm"};

class Scoring : public ::testing::Test {
 protected:
  Case sample_ = read_case(testing::sample_case());

  CaseScore score(std::vector<Seen> buggy, std::vector<Seen> patched = {}) const {
    Trial first, second;
    first.variant = Variant::buggy;
    first.findings = std::move(buggy);
    second.variant = Variant::patched;
    second.findings = std::move(patched);
    return score_case(sample_, {first, second});
  }
};

TEST_F(Scoring, SilenceFindsNothingAndIsNoFalseAlarm) {
  const CaseScore result = score({});
  EXPECT_FALSE(result.identified);
  EXPECT_FALSE(result.faults[0].found());
  EXPECT_FALSE(result.false_alarm);
}

TEST_F(Scoring, AnyWarningIdentifiesButOnlyTheRightPlaceLocalises) {
  const CaseScore result = score({finding(Severity::warning, "wrong-loss", kElsewhere, 12)});
  EXPECT_TRUE(result.identified);
  EXPECT_EQ(result.step, 12);
  EXPECT_FALSE(result.faults[0].localised);
  EXPECT_FALSE(result.faults[0].explained);
}

TEST_F(Scoring, PlaceAndCauseCountEachByItself) {
  EXPECT_TRUE(score({finding(Severity::warning, "wrong-loss", kOptimizer)}).faults[0].localised);
  EXPECT_TRUE(score({finding(Severity::warning, "learning-rate-too-high", kElsewhere)}).faults[0].explained);
}

TEST_F(Scoring, AnswersInAlsoAreAsRight) {
  const CaseScore result = score({finding(Severity::error, "bad-initialization", kFirstLayer)});
  EXPECT_TRUE(result.faults[0].localised);
  EXPECT_TRUE(result.faults[0].explained);
}

TEST_F(Scoring, AdviceFindsFaultsButIdentifiesNothingAndIsNoFalseAlarm) {
  const Seen advice = finding(Severity::advice, "learning-rate-too-high", kOptimizer);
  const CaseScore result = score({advice}, {advice, advice});
  EXPECT_FALSE(result.identified);
  EXPECT_TRUE(result.faults[0].found());
  EXPECT_FALSE(result.false_alarm);
  EXPECT_EQ(result.advice, 2U);
}

TEST_F(Scoring, AWarningOnThePatchedProgramIsAFalseAlarm) {
  EXPECT_TRUE(score({}, {finding(Severity::warning, "overflow", kElsewhere)}).false_alarm);
}

TEST_F(Scoring, OnlyTheFirstThreeCausesOfAFindingCount) {
  Seen seen{Severity::warning, "kind", "message", 0, kElsewhere, {}};
  for (const char* cause : {"wrong-loss", "too-deep", "too-shallow"}) seen.causes.push_back({cause, 0.5, kElsewhere});
  seen.causes.push_back({"learning-rate-too-high", 0.1, kOptimizer});
  const CaseScore late = score({seen});
  EXPECT_FALSE(late.faults[0].explained);
  EXPECT_FALSE(late.faults[0].localised);
  std::swap(seen.causes[2], seen.causes[3]);
  EXPECT_TRUE(score({seen}).faults[0].explained);
}

TEST_F(Scoring, TheWorstSeedCounts) {
  Trial good, bad;
  good.variant = bad.variant = Variant::buggy;
  bad.seed = 2;
  good.findings = {finding(Severity::error, "learning-rate-too-high", kOptimizer)};
  const CaseScore result = score_case(sample_, {good, bad});
  EXPECT_FALSE(result.identified);
  EXPECT_FALSE(result.faults[0].found());
}

TEST_F(Scoring, AMonitorThatRefusesTheProgramHasIdentifiedItAndNoMore) {
  Trial run;
  run.variant = Variant::buggy;
  run.refused = "the optimizer holds none of the parameters";
  const CaseScore result = score_case(sample_, {run});
  EXPECT_TRUE(result.identified);
  EXPECT_EQ(result.step, 0);
  EXPECT_FALSE(result.faults[0].found());
}

TEST_F(Scoring, ARunThatFailedCountsAgainstUs) {
  Trial buggy, patched;
  buggy.variant = Variant::buggy;
  patched.variant = Variant::patched;
  buggy.failure = patched.failure = "stopped after 180 s";
  const CaseScore result = score_case(sample_, {buggy, patched});
  EXPECT_FALSE(result.identified);
  EXPECT_TRUE(result.false_alarm);
}

TEST(Names, ALayerIsKnownByItsPathOrTheLastPartOfIt) {
  EXPECT_TRUE(names({"block.conv", "", ""}, {"conv", ""}, {}));
  EXPECT_TRUE(names({"block.conv", "", ""}, {"block.conv", ""}, {}));
  EXPECT_FALSE(names({"block.conv2", "", ""}, {"conv", ""}, {}));
  EXPECT_FALSE(names({"", "model", ""}, {"conv", ""}, {}));
}

TEST(Names, APartIsKnownByItsNameOnly) {
  EXPECT_TRUE(names({"", "loss", ""}, {"", "loss"}, {}));
  EXPECT_FALSE(names({"loss", "", ""}, {"", "loss"}, {}));
}

TEST(Names, AFunctionIsKnownByTheLayerItFollows) {
  std::vector<LayerSpec> model(2);
  model[0].name = "fc";
  model[0].in = 4;
  model[1].name = "act";
  EXPECT_FALSE(names({"fc", "", "aten::relu"}, {"act", ""}, model));
  model[1].functional = true;
  EXPECT_TRUE(names({"fc", "", "aten::relu"}, {"act", ""}, model));
}

TEST(Totals, UnscoredCasesAndFaultsAreCountedAsCasesOnly) {
  Case scored = read_case(testing::sample_case());
  scored.faults.push_back(scored.faults[0]);
  scored.faults[1].scored = false;
  Case unscored = scored;
  unscored.scored = false;
  Trial run;
  run.variant = Variant::buggy;
  run.findings = {finding(Severity::warning, "learning-rate-too-high", kOptimizer)};
  const CaseScore a = score_case(scored, {run}), b = score_case(unscored, {run});
  const Totals totals = add_up({&a, &b});
  EXPECT_EQ(totals.cases, 2);
  EXPECT_EQ(totals.programs, 1);
  EXPECT_EQ(totals.identified, 1);
  EXPECT_EQ(totals.faults, 1);
  EXPECT_EQ(totals.found, 1);
  EXPECT_EQ(totals.quiet_wanted, 1);
}

TEST(Totals, TheMedianOfAnEvenNumberIsBetweenTheMiddleTwo) {
  Case healthy;
  std::vector<CaseScore> scores(4);
  std::vector<const CaseScore*> all;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i].of = &healthy;
    scores[i].advice = i;
    all.push_back(&scores[i]);
  }
  EXPECT_DOUBLE_EQ(add_up(all).advice_median, 1.5);
}

}  // namespace
}  // namespace sonde::faults
