#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "sample.h"

namespace sonde::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// What the reader says of it; empty if it reads it.
std::string complaint(std::string_view text) {
  try {
    (void)report_from_json(text);
  } catch (const ReportError& error) { return error.what(); }
  return {};
}

// What the reader says of the sample after `change`.
template <typename Change>
std::string complaint_after(const Change& change) {
  json document = json::parse(sick().to_json());
  change(document);
  return complaint(document.dump());
}

TEST(JsonReader, SaysWhereTextIsNoJson) {
  EXPECT_EQ(complaint(""), "no JSON: line 1, column 1 cannot be read");
  EXPECT_EQ(complaint("{\n  \"schema\": ?"), "no JSON: line 2, column 13 cannot be read");
  EXPECT_EQ(complaint(sick().to_json() + "}").substr(0, 12), "no JSON: lin");
  EXPECT_THAT(complaint("[1e999]"), HasSubstr("beyond the range"));
  EXPECT_THAT(complaint(std::string(100'000, '[')), HasSubstr("no JSON"));
}

TEST(JsonReader, RefusesOtherDocuments) {
  EXPECT_EQ(complaint("[]"), "the document: got a list, wanted an object");
  EXPECT_EQ(complaint("{}"), "the document: has no field \"schema\"");
  EXPECT_EQ(complaint(R"({"schema": {"name": "sonde-meta-model", "version": 1}})"),
            "schema.name: got \"sonde-meta-model\", wanted \"sonde-report\"");
}

TEST(JsonReader, RefusesAnotherVersionOfTheSchema) {
  EXPECT_EQ(complaint_after([](json& document) { document["schema"]["version"] = 2; }),
            "schema.version: a report of version 2, this Sonde reads version 1");
}

TEST(JsonReader, NamesTheFieldThatIsMissing) {
  EXPECT_EQ(complaint_after([](json& document) { document["findings"][1]["origin"].erase("kind"); }),
            "findings[1].origin: has no field \"kind\"");
  EXPECT_EQ(complaint_after([](json& document) { document.erase("cost"); }), "the document: has no field \"cost\"");
}

TEST(JsonReader, NamesTheFieldOfTheWrongKind) {
  EXPECT_EQ(complaint_after([](json& document) { document["findings"][0]["causes"][1]["cause"] = "magic"; }),
            "findings[0].causes[1].cause: got \"magic\", wanted the name of a cause");
  EXPECT_EQ(complaint_after([](json& document) { document["findings"][2]["origin"]["where"]["phase"] = 3; }),
            "findings[2].origin.where.phase: got 3, wanted a string");
  EXPECT_EQ(complaint_after([](json& document) { document["context"]["steps"] = -1; }),
            "context.steps: got -1, wanted a whole number from 0 to 18446744073709551615");
  EXPECT_EQ(complaint_after([](json& document) { document["context"]["first_loss"] = "small"; }),
            "context.first_loss: got \"small\", wanted a number or null");
  EXPECT_EQ(complaint_after(
                [](json& document) { document["findings"][0]["origin"]["where"]["source"]["line"] = 4294967296; }),
            "findings[0].origin.where.source.line: got 4294967296, wanted a whole number from 0 to 4294967295");
  EXPECT_EQ(complaint_after([](json& document) { document["findings"][0]["causes"] = json::array(); }),
            "findings[0].causes: got a list, wanted at least one cause");
}

TEST(JsonReader, ShowsLittleOfWhatItGotAndNothingThatUpsetsATerminal) {
  const std::string said =
      complaint_after([](json& document) { document["findings"] = "\x1b[31m" + std::string(5000, 'x'); });
  EXPECT_LT(said.size(), 100U);
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
}

TEST(JsonReader, PassesOverFieldsItDoesNotKnow) {
  EXPECT_EQ(complaint_after([](json& document) {
              document["new"] = json{{"a", 1}};
              document["context"]["new"] = 1;
              document["findings"][0]["origin"]["new"] = nullptr;
            }),
            "");
}

TEST(JsonReader, ReadsWhatTheWriterWrote) {
  for (const Report& report : {Report{}, healthy(), sick()}) {
    EXPECT_EQ(report_from_json(report.to_json()).to_json(), report.to_json());
  }
  const Report read = report_from_json(sick().to_json());
  EXPECT_EQ(read.findings[0].causes[1].cause, Cause::learning_rate_too_high);
  EXPECT_EQ(read.findings[0].origin.where.source.line, 41U);
  EXPECT_FALSE(read.findings[1].origin.where.source.known());
  EXPECT_EQ(read.cost.share(), sick().cost.share());
}

TEST(JsonReader, ReadsNumbersThatAreNoneAndTheLargest) {
  Report report = sick();
  report.context.first_loss = std::numeric_limits<double>::quiet_NaN();
  report.context.last_loss = -std::numeric_limits<double>::infinity();
  report.cost.step_seconds = 0.1 + 0.2;
  report.context.parameters = std::numeric_limits<std::uint64_t>::max();
  const Report read = report_from_json(report.to_json());
  EXPECT_TRUE(std::isnan(read.context.first_loss));
  EXPECT_TRUE(std::isnan(read.context.last_loss));
  EXPECT_EQ(read.cost.step_seconds, 0.1 + 0.2);
  EXPECT_EQ(read.to_json(), report.to_json());
}

}  // namespace
}  // namespace sonde::report
