#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "report/uri.h"
#include "sample.h"

namespace sonde::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json run_of(const Report& report, std::string_view root = {}) { return json::parse(report.to_sarif(root))["runs"][0]; }

TEST(Sarif, HasNoResultsForAHealthyRun) {
  const json run = run_of(healthy());
  EXPECT_EQ(run["results"], json::array());
  EXPECT_EQ(run["tool"]["driver"]["rules"], json::array());
  EXPECT_EQ(run["invocations"][0]["executionSuccessful"], true);
}

TEST(Sarif, HasAResultForEachFindingAndARuleForEachCause) {
  const json run = run_of(sick());
  ASSERT_EQ(run["results"].size(), 3U);
  for (const json& result : run["results"]) {
    EXPECT_EQ(run["tool"]["driver"]["rules"][result["ruleIndex"].get<std::size_t>()]["id"], result["ruleId"]);
  }
  EXPECT_EQ(run["results"][0]["level"], "error");
  EXPECT_EQ(run["results"][1]["level"], "warning");
  EXPECT_EQ(run["results"][2]["level"], "note");
}

TEST(Sarif, NamesTheSymptomWhereNoCauseIsKnown) {
  EXPECT_EQ(run_of(sick())["results"][1]["ruleId"], "vanishing-gradient");
}

TEST(Sarif, FindingsOfOneCauseShareARule) {
  Report report = sick();
  report.findings = {log_of_zero(), log_of_zero()};
  const json run = run_of(report);
  EXPECT_EQ(run["tool"]["driver"]["rules"].size(), 1U);
  EXPECT_EQ(run["results"][1]["ruleIndex"], 0);
}

TEST(Sarif, StandsOnTheLineThatTheFindingNames) {
  const json place = run_of(sick())["results"][0]["locations"][0];
  EXPECT_EQ(place["physicalLocation"]["artifactLocation"], (json{{"uri", "src/net/train.cpp"}}));
  EXPECT_EQ(place["physicalLocation"]["region"], (json{{"startLine", 41}}));
  EXPECT_EQ(place["logicalLocations"][0]["fullyQualifiedName"], "head.log/aten::log/forward");
  EXPECT_EQ(place["logicalLocations"][1], (json{{"name", "loss_of"}, {"kind", "function"}}));
}

TEST(Sarif, FilesBelowTheRootAreNamedRelativeToIt) {
  Report report = sick();
  report.findings[0].origin.where.source.file = "/home/me/net/src/train step.cpp";
  report.findings[2].origin.where.source.file = "/opt/other.cpp";
  const json run = run_of(report, "/home/me/net");
  EXPECT_EQ(run["originalUriBaseIds"]["SRCROOT"]["uri"], "file:///home/me/net/");
  EXPECT_EQ(run["invocations"][0]["workingDirectory"]["uri"], "file:///home/me/net/");
  const auto artifact = [&](int i) {
    return run["results"][i]["locations"][0]["physicalLocation"]["artifactLocation"];
  };
  EXPECT_EQ(artifact(0), (json{{"uri", "src/train%20step.cpp"}, {"uriBaseId", "SRCROOT"}}));
  EXPECT_EQ(artifact(2), (json{{"uri", "file:///opt/other.cpp"}}));
}

TEST(Sarif, AFindingWithoutALineTakesTheNearestOne) {
  const json results = run_of(sick())["results"];
  EXPECT_EQ(results[1]["locations"][0]["physicalLocation"]["region"]["startLine"], 41) << "the first of the report";
  Report report = sick();
  report.findings[0].origin.where.source = {};
  EXPECT_EQ(run_of(report)["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 41)
      << "of its first cause";
  report.findings = {report.findings[1]};
  EXPECT_FALSE(run_of(report)["results"][0]["locations"][0].contains("physicalLocation")) << "there is none";
}

TEST(Sarif, TellsWhatWasSeenWhyAndWhatToDo) {
  const std::string text = run_of(sick())["results"][0]["message"]["text"];
  EXPECT_THAT(text, HasSubstr("forward of head.log (aten::log), step 37: 12 of 640 values are -inf"));
  EXPECT_THAT(text, HasSubstr(" Why: head.softmax underflowed: logits"));
  EXPECT_THAT(text, HasSubstr("Causes: log-of-zero 0.96, learning-rate-too-high 0.71."));
  EXPECT_THAT(text,
              HasSubstr("Fix: log_softmax with nll_loss never takes the log of zero; or lower the learning rate"));
}

TEST(Sarif, OtherCausesAreRelatedPlaces) {
  const json related = run_of(sick())["results"][0]["relatedLocations"];
  ASSERT_EQ(related.size(), 1U);
  EXPECT_EQ(related[0]["message"]["text"], "learning-rate-too-high 0.71: the optimizer");
  EXPECT_EQ(related[0]["physicalLocation"]["region"]["startLine"], 38);
}

TEST(Sarif, BracesOfTheProgramAreNoPlaceholders) {
  Report report = sick();
  report.findings[0].origin.message = "target.view({-1, 1}) \x1b";
  EXPECT_THAT(run_of(report)["results"][0]["message"]["text"], HasSubstr("target.view({{-1, 1}})  "));
}

TEST(Sarif, FingerprintsStayFromRunToRunAndTellPlacesApart) {
  const auto fingerprint = [](const Report& report) { return run_of(report)["results"][0]["partialFingerprints"]; };
  Report later = sick();
  later.findings[0].origin.step = 99;
  later.findings[0].origin.message = "13 of 640 values are -inf";
  later.findings[0].origin.where.source.file = "/elsewhere/train.cpp";
  later.findings[0].origin.where.source.line = 44;
  EXPECT_EQ(fingerprint(sick()), fingerprint(later));
  later.findings[0].origin.where.layer = "head.log2";
  EXPECT_NE(fingerprint(sick()), fingerprint(later));
}

TEST(Sarif, SaysWhatWasNotObserved) {
  Report report = sick();
  report.cost.dropped = 7;
  const json notes = run_of(report)["invocations"][0]["toolExecutionNotifications"];
  ASSERT_EQ(notes.size(), 3U);
  EXPECT_EQ(notes[0]["message"]["text"], "Not observed: emb.weight (sparse gradient), 60 times.");
  EXPECT_EQ(notes[2]["message"]["text"], "7 records dropped.");
}

TEST(Uri, EncodesWhatAUriCannotHold) {
  EXPECT_EQ(uri_path("src/a b#?%\xc3\xa9:c.cpp"), "src/a%20b%23%3F%25%C3%A9%3Ac.cpp");
  EXPECT_EQ(file_uri("/x/y.cpp"), "file:///x/y.cpp");
}

TEST(Uri, BelowIsByWholeNames) {
  EXPECT_EQ(below("/src/a.cpp", "/src"), "a.cpp");
  EXPECT_EQ(below("/src/a.cpp", "/src/"), "a.cpp");
  EXPECT_EQ(below("/srcs/a.cpp", "/src"), "");
  EXPECT_EQ(below("/src", "/src"), "");
  EXPECT_EQ(below("src/a.cpp", ""), "");
}

}  // namespace
}  // namespace sonde::report
