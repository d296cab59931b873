#include "faults/variations.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/readers.h"
#include "tests/faults/sample_case.h"

namespace sonde::faults {
namespace {

using nlohmann::json;

std::vector<json> varied(std::size_t count) { return vary({healthy_document(testing::sample_case())}, count, 1); }

TEST(Variations, TheHealthyProgramOfACaseIsItsPatchedOne) {
  const json healthy = healthy_document(testing::sample_case());
  EXPECT_EQ(healthy.at("optimizer").at("lr"), 0.1);
  EXPECT_TRUE(read_case(healthy).healthy());
}

TEST(Variations, AreValidCasesAllDifferentAndTheSameEachTime) {
  const std::vector<json> first = varied(40);
  EXPECT_EQ(first, varied(40));
  std::set<std::string> programs;
  for (const json& document : first) {
    EXPECT_NO_THROW(static_cast<void>(read_case(document))) << document.at("title");
    programs.insert(document.at("data").dump() + document.at("model").dump() + document.at("optimizer").dump());
  }
  EXPECT_EQ(programs.size(), 40U);
}

TEST(Variations, TouchEveryAspect) {
  std::string all;
  for (const json& document : varied(40)) all += document.at("title").get<std::string>() + "\n";
  for (const char* what : {"wide", "deeper", "batches", "rate", "ELU"}) EXPECT_THAT(all, ::testing::HasSubstr(what));
}

TEST(Variations, KeepTheRateWithinAFactorOfThree) {
  for (const json& document : varied(40)) {
    const double rate = document.at("optimizer").at("lr").get<double>();
    EXPECT_GE(rate, 0.1 / 3.01);
    EXPECT_LE(rate, 0.1 * 3.01);
  }
}

class Discounting : public ::testing::Test {
 protected:
  std::vector<Case> cases_{2};
  std::vector<CaseScore> scores_{2};

  void discount(double base, double variation) {
    cases_[0].id = "a";
    cases_[1].id = "a-v1";
    for (std::size_t i = 0; i < 2; ++i) {
      Trial run;
      run.score = i == 0 ? base : variation;
      scores_[i].of = &cases_[i];
      scores_[i].runs = {run};
    }
    discount_unlearnt(cases_, scores_);
  }
};

TEST_F(Discounting, AVariationThatLearntCounts) {
  discount(0.95, 0.9);
  EXPECT_TRUE(cases_[1].scored);
}

TEST_F(Discounting, OneThatDidNotIsShownOnly) {
  discount(0.95, 0.5);
  EXPECT_FALSE(cases_[1].scored);
  EXPECT_THAT(cases_[1].title, ::testing::HasSubstr("0.50 instead of 0.95"));
}

TEST_F(Discounting, ANanIsNoLearning) {
  discount(0.95, std::nan(""));
  EXPECT_FALSE(cases_[1].scored);
}

}  // namespace
}  // namespace sonde::faults
