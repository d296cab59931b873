#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "sample.h"

namespace sonde::report {
namespace {

using nlohmann::json;

std::vector<json> lines_of(const Report& report) {
  std::vector<json> lines;
  std::istringstream in(report.to_json_lines());
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST(Json, NamesItsSchemaAndVersion) {
  const json document = json::parse(sick().to_json());
  EXPECT_EQ(document["schema"], (json{{"name", "sonde-report"}, {"version", 1}}));
}

TEST(Json, HoldsTheContext) {
  const json context = json::parse(sick().to_json())["context"];
  EXPECT_EQ(context["optimizer"], "SGD lr 0.5");
  EXPECT_EQ(context["steps"], 1200);
  EXPECT_EQ(context["first_loss"], 2.3127);
  EXPECT_EQ(context.size(), 15U);
}

TEST(Json, HoldsTheMetrics) {
  Report report = healthy();
  const double none = std::numeric_limits<double>::quiet_NaN();
  report.context.metrics = {{"val_loss", Better::lower, Split::validation, 12, 2.3, 0.4, 900, 0.5},
                            {"quality", Better::inferred, Split::inferred, 1, 1, none, 0, 1}};
  const json metrics = json::parse(report.to_json())["context"]["metrics"];
  EXPECT_EQ(metrics[0], (json{{"name", "val_loss"},
                              {"better", "lower"},
                              {"split", "validation"},
                              {"count", 12},
                              {"first", 2.3},
                              {"best", 0.4},
                              {"best_step", 900},
                              {"last", 0.5}}));
  EXPECT_EQ(metrics[1]["better"], "");
  EXPECT_EQ(metrics[1]["best"], nullptr);
}

TEST(Json, HoldsAFindingWithAllItsParts) {
  const json finding = json::parse(sick().to_json())["findings"][0];
  EXPECT_EQ(finding["severity"], "error");
  EXPECT_EQ(finding["origin"]["where"],
            (json{{"layer", "head.log"},
                  {"part", ""},
                  {"operation", "aten::log"},
                  {"phase", "forward"},
                  {"source", {{"file", "src/net/train.cpp"}, {"line", 41}, {"function", "loss_of"}}}}));
  EXPECT_EQ(finding["origin"]["step"], 37);
  EXPECT_EQ(finding["causes"][1]["cause"], "learning-rate-too-high");
  EXPECT_EQ(finding["causes"][1]["confidence"], 0.71);
  EXPECT_EQ(finding["causes"][1]["evidence"].size(), 1U);
  EXPECT_EQ(finding["followed_by"][0]["where"]["source"], nullptr);
  EXPECT_EQ(finding["followed_by_count"], 61);
  EXPECT_EQ(finding["kept"], "the update of step 37 was not applied (on_fault = abort)");
}

TEST(Json, HoldsWhatWasNotObservedAndTheCost) {
  const json document = json::parse(sick().to_json());
  EXPECT_EQ(document["not_observed"][0], (json{{"what", "emb.weight"}, {"reason", "sparse gradient"}, {"count", 60}}));
  EXPECT_EQ(document["cost"]["records"], 34567);
  EXPECT_DOUBLE_EQ(document["cost"]["share"].get<double>(), 0.009);
}

TEST(Json, HasEmptyListsForAHealthyRun) {
  const json document = json::parse(healthy().to_json());
  EXPECT_EQ(document["findings"], json::array());
  EXPECT_EQ(document["not_observed"], json::array());
}

TEST(Json, HasNullForNumbersThatAreNone) {
  Report report = healthy();
  report.context.first_loss = std::numeric_limits<double>::quiet_NaN();
  report.context.last_loss = -std::numeric_limits<double>::infinity();
  const json document = json::parse(report.to_json());
  EXPECT_EQ(document["context"]["first_loss"], nullptr);
  EXPECT_EQ(document["context"]["last_loss"], nullptr);
}

TEST(Json, ReplacesWhatIsNoUtf8) {
  Report report = sick();
  report.findings[0].origin.where.layer =
      "enc\xff"
      "der\n";
  EXPECT_EQ(json::parse(report.to_json())["findings"][0]["origin"]["where"]["layer"],
            "enc\uFFFD"
            "der\n");
}

TEST(Json, IsTheSameForTheSameReport) { EXPECT_EQ(sick().to_json(), sick().to_json()); }

TEST(JsonLines, HaveALineOfContextOneForEachFindingAndOneForTheRest) {
  const auto lines = lines_of(sick());
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0]["type"], "context");
  EXPECT_EQ(lines[0]["schema"]["version"], 1);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(lines[i]["type"], "finding");
  EXPECT_EQ(lines[4]["type"], "rest");
  EXPECT_EQ(lines[4]["cost"]["dropped"], 0);
  EXPECT_EQ(sick().to_json_lines().back(), '\n');
}

TEST(JsonLines, SayTheSameAsTheDocument) {
  const json document = json::parse(sick().to_json());
  const auto lines = lines_of(sick());
  EXPECT_EQ(lines[0]["context"], document["context"]);
  EXPECT_EQ(lines[1]["finding"], document["findings"][0]);
  EXPECT_EQ(lines[4]["not_observed"], document["not_observed"]);
}

}  // namespace
}  // namespace sonde::report
