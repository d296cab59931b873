#include "faults/findings.h"

#include <gtest/gtest.h>

#include <sonde/report.h>

namespace sonde::faults {
namespace {

Report sample_report() {
  Report report;
  Finding finding;
  finding.severity = Severity::error;
  finding.origin.kind = "non-finite";
  finding.origin.message = "12 of 640 values are -inf";
  finding.origin.step = 37;
  finding.origin.where.layer = "head.log";
  finding.origin.where.operation = "aten::log";
  RankedCause cause;
  cause.cause = Cause::log_of_zero;
  cause.confidence = 0.96;
  cause.where.part = "loss";
  finding.causes.push_back(cause);
  report.findings.push_back(finding);
  return report;
}

TEST(Findings, AreReadBackFromAReport) {
  const std::vector<Seen> findings = read_findings(nlohmann::json::parse(sample_report().to_json()));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::error);
  EXPECT_EQ(findings[0].kind, "non-finite");
  EXPECT_EQ(findings[0].step, 37);
  EXPECT_EQ(findings[0].where.layer, "head.log");
  ASSERT_EQ(findings[0].causes.size(), 1U);
  EXPECT_EQ(findings[0].causes[0].cause, "log-of-zero");
  EXPECT_EQ(findings[0].causes[0].where.part, "loss");
}

TEST(Findings, AnEmptyReportHasNone) { EXPECT_TRUE(read_findings(nlohmann::json::parse(Report{}.to_json())).empty()); }

TEST(Findings, AreToldInOneLine) {
  const std::vector<Seen> findings = read_findings(nlohmann::json::parse(sample_report().to_json()));
  EXPECT_EQ(to_text(findings.at(0)), "error log-of-zero 0.96 at loss, step 37");
}

}  // namespace
}  // namespace sonde::faults
