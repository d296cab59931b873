#include "monitor/governor.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sonde::monitor {
namespace {

// Steps of 1 ms that cost `full` nanoseconds to observe and `cheap` not to; returns the share observed after the first.
struct Run {
  int observed = 0;
  int longest_blind = 0;
  double cost = 0;  // share of the bare time, after the first steps
};

Run run(const Options& options, double full, double cheap, int steps, bool suspicious = false) {
  Governor governor(options);
  Run result;
  bool observed = true;
  int blind = 0;
  double spent = 0, bare = 0;
  for (int i = 0; i < steps; ++i) {
    const auto cost = static_cast<std::uint64_t>(observed ? full : cheap);
    const bool settled = i >= static_cast<int>(options.first_steps);
    if (settled) spent += static_cast<double>(cost), bare += 1e6;
    if (settled) result.observed += observed;
    blind = observed ? 0 : blind + 1;
    result.longest_blind = std::max(result.longest_blind, blind);
    observed = governor.observe_next({observed, 1000000 + cost, cost}, suspicious);
  }
  result.cost = spent / bare;
  return result;
}

TEST(Governor, KeepsTheCostWithinTheAllowedShare) {
  Options options;
  const auto result = run(options, 300e3, 2e3, 20000);
  EXPECT_LE(result.cost, 0.0101);
  EXPECT_GE(result.cost, 0.008);  // and does not waste what it may spend
}

TEST(Governor, ObservesTheFirstStepsWhateverTheyCost) {
  Options options;
  options.first_steps = 20;
  Governor governor(options);
  for (int i = 0; i < 19; ++i) EXPECT_TRUE(governor.observe_next({true, 1000, 900}, false));
}

TEST(Governor, IsNeverBlindForLongerThanStated) {
  Options options;
  options.max_blind_steps = 50;
  EXPECT_LE(run(options, 1e9, 1e3, 2000).longest_blind, 50);
}

TEST(Governor, LooksMoreOftenUnderSuspicion) {
  Options options;
  EXPECT_GT(run(options, 300e3, 2e3, 5000, true).observed, 4 * run(options, 300e3, 2e3, 5000, false).observed);
}

TEST(Governor, ObservesEveryStepIfAskedTo) {
  Options options;
  options.every_step = true;
  EXPECT_EQ(run(options, 1e9, 0, 500).longest_blind, 0);
}

TEST(Governor, ObservesTheNextStepsWhenItInsists) {
  Options options;
  options.first_steps = 1;
  Governor governor(options);
  for (int i = 0; i < 50; ++i) (void)governor.observe_next({i == 0, 1000000, i == 0 ? 900000U : 100U}, false);
  governor.insist(2);
  EXPECT_TRUE(governor.observe_next({false, 1000000, 100}, false));
  EXPECT_TRUE(governor.observe_next({true, 1900000, 900000}, false));
  EXPECT_FALSE(governor.observe_next({true, 1900000, 900000}, false));
}

}  // namespace
}  // namespace sonde::monitor
