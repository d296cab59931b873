#include "loops/loop.h"

#include <map>

#include <gtest/gtest.h>

namespace sonde::loops {
namespace {

// Findings that a healthy program must not get, as text.
std::string alarms(const std::vector<Report>& reports) {
  std::string text;
  for (const auto& report : reports) {
    for (const auto& finding : report.findings) {
      if (finding.severity == Severity::advice) continue;
      const auto& origin = finding.origin;
      text += report.context.monitor + " step " + std::to_string(origin.step) + ": " +
              std::string(to_string(finding.severity)) + " " + origin.kind + " in " + origin.where.layer +
              origin.where.part + " " + origin.where.operation + ": " + origin.message + "\n";
    }
  }
  return text;
}

const Outcome& bare_outcome(const Loop& loop) {
  static std::map<std::string, Outcome> outcomes;
  const auto known = outcomes.find(loop.name);
  if (known != outcomes.end()) return known->second;
  Watch bare;
  return outcomes.emplace(loop.name, loop.run(bare)).first->second;
}

class HealthyLoop : public testing::TestWithParam<Loop> {
 protected:
  HealthyLoop() { at::set_num_threads(1); }

  void expect_untouched_and_silent(const Options& options) {
    const auto& wanted = bare_outcome(GetParam());
    Watch watch(options);
    const auto got = GetParam().run(watch);
    const auto reports = watch.reports();
    EXPECT_GE(wanted.score, GetParam().healthy_score);
    EXPECT_EQ(got.losses, wanted.losses);
    EXPECT_TRUE(got.weights == wanted.weights);
    EXPECT_TRUE(got.random_state == wanted.random_state);
    EXPECT_EQ(alarms(reports), "");
    ASSERT_FALSE(reports.empty());
    for (const auto& report : reports) EXPECT_GT(report.context.steps, 0u);
  }
};

TEST_P(HealthyLoop, IsUntouchedAndSilentWithDefaultOptions) { expect_untouched_and_silent(Options()); }

TEST_P(HealthyLoop, IsUntouchedAndSilentWhenEveryStepIsObserved) {
  Options options;
  options.every_step = true;
  expect_untouched_and_silent(options);
}

INSTANTIATE_TEST_SUITE_P(Loops, HealthyLoop, testing::ValuesIn(all_loops()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sonde::loops
