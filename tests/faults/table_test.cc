#include "faults/table.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/readers.h"
#include "faults/suite.h"
#include "tests/faults/sample_case.h"

namespace sonde::faults {
namespace {

using ::testing::HasSubstr;

TEST(Table, TheLastLineHasAFixedForm) {
  Totals totals;
  totals.cases = 81;
  totals.identified = 50;
  totals.programs = 59;
  totals.localised = 80;
  totals.explained = 70;
  totals.faults = 97;
  totals.false_alarms = 1;
  totals.quiet_wanted = 65;
  totals.advice_median = 1.5;
  EXPECT_EQ(summary_line(totals, 612.4),
            "faults: cases=81 identified=50/59 localised=80/97 explained=70/97 false_alarms=1/65 advice_median=1.5 "
            "seconds=612");
}

class PrintedCase : public ::testing::Test {
 protected:
  Case sample_ = read_case(testing::sample_case());
  std::vector<CaseScore> scores_;

  void SetUp() override {
    Trial buggy, patched;
    buggy.variant = Variant::buggy;
    buggy.findings = {{Severity::error,
                       "diverges",
                       "the loss grew",
                       5,
                       {"", "loss", ""},
                       {{"learning-rate-too-high", 0.9, {"", "optimizer", ""}}}}};
    patched.variant = Variant::patched;
    scores_ = {score_case(sample_, {buggy, patched})};
  }
};

TEST_F(PrintedCase, ARowSaysWhatWhereWhenAndWhoElseFoundIt) {
  std::ostringstream out;
  print_rows(out, scores_);
  EXPECT_THAT(out.str(), HasSubstr("ILE"));
  EXPECT_THAT(out.str(), HasSubstr("found by Tool\n"));
  EXPECT_THAT(out.str(), HasSubstr("error learning-rate-too-high 0.90 at optimizer, step 5"));
  EXPECT_THAT(out.str(), HasSubstr("patched, seed 1: silent, 0 advice"));
}

TEST_F(PrintedCase, ABenchmarkIsShownNextToThePublishedTools) {
  std::ostringstream out;
  print_benchmarks(out, scores_);
  EXPECT_THAT(out.str(), HasSubstr("own: 1 cases"));
  EXPECT_THAT(out.str(), ::testing::ContainsRegex("Sonde +1/1"));
  EXPECT_THAT(out.str(), ::testing::ContainsRegex("Tool +1/1 +-"));
  EXPECT_THAT(out.str(), HasSubstr("ICSE 2021"));
}

TEST_F(PrintedCase, TheJsonHasEveryRun) {
  const nlohmann::json document = to_json(scores_, 1);
  EXPECT_EQ(document.at("cases").at(0).at("runs").size(), 2U);
  EXPECT_EQ(document.at("cases").at(0).at("faults").at(0).at("localised"), true);
}

TEST(Results, NullStandsForNan) {
  const Trial run = read_run(nlohmann::json::parse(R"({"steps": 3, "first_loss": 1.5, "last_loss": null, "score": 0,
      "stopped_by": "", "refused": "", "report": null})"));
  EXPECT_EQ(run.steps, 3);
  EXPECT_TRUE(std::isnan(run.last_loss));
}

}  // namespace
}  // namespace sonde::faults
