#include "runtime/snapshot.h"

#include <limits>

#include <gtest/gtest.h>

namespace sonde::runtime {
namespace {

Report sample() {
  Report report;
  report.context.monitor = "net";
  report.context.steps = 40;
  report.context.last_loss = std::numeric_limits<double>::quiet_NaN();
  Finding finding;
  finding.severity = Severity::error;
  finding.origin.kind = "non-finite";
  finding.origin.where = {"fc", "", "aten::log", Phase::forward, {"train.cpp", "main", 41}};
  finding.context = {"more"};
  finding.causes = {{Cause::log_of_zero, 0.9, finding.origin.where, {"zeros"}, "log_softmax"}};
  finding.followed_by = {finding.origin};
  finding.followed_by_count = 7;
  finding.kept = "nothing";
  report.findings = {finding};
  report.not_observed = {{"emb", "sparse gradient", 3}};
  report.cost = {1.5, 0.01, 120, 4};
  return report;
}

TEST(Snapshot, IsNothingWhereItIsCutOffOrTooLong) {
  const std::string bytes = encode(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_report(bytes.substr(0, size)));
  EXPECT_FALSE(decode_report(bytes + '\0'));
}

TEST(Snapshot, IsNothingWithACauseThatDoesNotExist) {
  Report report = sample();
  report.findings[0].causes[0].cause = static_cast<Cause>(250);
  EXPECT_FALSE(decode_report(encode(report)));
}

TEST(Snapshot, GivesTheWholeReportBack) {
  const auto again = decode_report(encode(sample()));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->to_json(), sample().to_json());
  EXPECT_EQ(encode(*again), encode(sample()));
}

}  // namespace
}  // namespace sonde::runtime
