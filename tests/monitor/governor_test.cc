#include "monitor/governor.h"

#include <algorithm>
#include <array>
#include <utility>

#include <gtest/gtest.h>

namespace sonde::monitor {
namespace {

// A training of steps of 1 ms, with what watching one costs at each level.
struct Training {
  double sentinel = 1e3, contract = 4e3, full = 300e3;  // nanoseconds, as the monitor's clocks see them
  double unseen = 0, unseen_after = 0;  // what an observation costs besides, on its step and on the one after
  double bare = 1e6;
  bool suspicious = false;
  bool plain = true;
  int pause_every = 0;  // so often, a step takes a second longer
};

struct Run {
  int observed = 0;
  int longest_blind = 0;       // steps in a row without a full observation
  int longest_unchecked = 0;   // ... without a look at the contract
  int brisk = 0;               // steps that were not decided on
  int longest_row = 0;         // ... in a row
  int closest = 0;             // the fewest steps between two full observations
  double cost = 0;             // share of the bare time, after the first steps
  double told = 0;             // the same by the governor's account
  std::array<int, 6> turns{};  // full observations by the number of the step modulo 6
};

Run run(const Options& options, const Training& training, int steps) {
  Governor governor(options);
  Run result;
  result.closest = steps;
  Level level = Level::full;
  int blind = 0, unchecked = 0;
  double spent = 0, told = 0, bare = 0;
  bool after_full = false;
  std::uint32_t may_be_brisk = 0, were_brisk = 0;
  std::uint64_t brisk_cost = 0, waited = 0;
  for (int i = 0; i < steps; ++i) {
    const bool observed = level == Level::full;
    const double clocked = observed ? training.full : level == Level::contract ? training.contract : training.sentinel;
    const double cost = clocked + (observed ? training.unseen : 0) + (after_full ? training.unseen_after : 0);
    auto total = static_cast<std::uint64_t>(training.bare + cost);
    if (training.pause_every > 0 && i % training.pause_every == training.pause_every - 1) total += 1000000000;
    if (may_be_brisk > 0) {
      --may_be_brisk, ++were_brisk, ++result.brisk;
      result.longest_row = std::max(result.longest_row, static_cast<int>(were_brisk));
      waited += total - static_cast<std::uint64_t>(cost) + brisk_cost;
      spent += static_cast<double>(brisk_cost), told += static_cast<double>(brisk_cost), bare += training.bare;
      result.longest_blind = std::max(result.longest_blind, ++blind);
      result.longest_unchecked = std::max(result.longest_unchecked, ++unchecked);
      continue;
    }
    const auto decision = governor.next({level, total + std::exchange(waited, 0), static_cast<std::uint64_t>(clocked),
                                         training.plain, std::exchange(were_brisk, 0)},
                                        training.suspicious);
    may_be_brisk = decision.brisk, brisk_cost = decision.brisk_ns;
    if (i >= static_cast<int>(options.first_steps)) {
      spent += cost, bare += training.bare, told += static_cast<double>(decision.cost_ns);
      result.observed += observed;
      if (observed) result.closest = std::min(result.closest, blind + 1), ++result.turns[i % 6];
    }
    blind = observed ? 0 : blind + 1;
    unchecked = level == Level::sentinel ? unchecked + 1 : 0;
    result.longest_blind = std::max(result.longest_blind, blind);
    result.longest_unchecked = std::max(result.longest_unchecked, unchecked);
    after_full = observed;
    level = decision.level;
  }
  result.told = told / bare;
  result.cost = spent / bare;
  return result;
}

TEST(Governor, KeepsTheCostWithinTheAllowedShare) {
  const auto result = run({}, {}, 20000);
  EXPECT_LE(result.cost, 0.0101);
  EXPECT_GE(result.cost, 0.008);  // and does not waste what it may spend
}

TEST(Governor, KeepsItOnTinyStepsWhereTheContractAloneWouldExceedIt) {
  Training tiny;
  tiny.bare = 200e3, tiny.sentinel = 500, tiny.contract = 3e3, tiny.full = 60e3;
  EXPECT_LE(run({}, tiny, 20000).cost, 0.0101);
}

TEST(Governor, PaysForWhatItsClocksDoNotSee) {
  Training caches;
  caches.unseen = 400e3, caches.unseen_after = 100e3;
  const auto result = run({}, caches, 20000);
  EXPECT_LE(result.cost, 0.0105);
  EXPECT_GE(result.cost, 0.008);
  EXPECT_NEAR(result.told, result.cost, 0.1 * result.cost);
}

TEST(Governor, KeepsNoRhythmOfItsOwn) {
  for (const double bare : {1e6, 1.2e6, 1.5e6, 2e6, 3e6}) {  // which change how many steps pay for an observation
    Training training;
    training.bare = bare;
    const auto result = run({}, training, 20000);
    EXPECT_GT(*std::min_element(result.turns.begin(), result.turns.end()), result.observed / 12) << bare;
  }
}

TEST(Governor, SpendsWhatSentinelsLeaveOnObservations) {
  Training cheap, dear;
  cheap.bare = dear.bare = 2e6;
  dear.sentinel = 14e3, dear.contract = 20e3;
  EXPECT_GT(run({}, cheap, 20000).observed, 2 * run({}, dear, 20000).observed);
}

TEST(Governor, IsNotAskedOnMostShortStepsThatOnlyTheSentinelLooksAt) {
  Training tiny, longer;
  tiny.bare = 200e3, tiny.sentinel = 3e3, tiny.contract = 5e3, tiny.full = 60e3;
  longer.bare = 2 * Governor::kShortStepNs;
  EXPECT_GT(run({}, tiny, 20000).brisk, 16000);
  EXPECT_EQ(run({}, longer, 20000).brisk, 0);
  tiny.suspicious = true;
  EXPECT_EQ(run({}, tiny, 20000).brisk, 0);
}

TEST(Governor, DecidesOnStepsMoreSeldomInAnOldRunButNotForLong) {
  Training tiny, slower;
  tiny.bare = 200e3, tiny.sentinel = 3e3, tiny.contract = 5e3, tiny.full = 60e3;
  slower.bare = 1.9e6;
  EXPECT_LE(run({}, tiny, 600).longest_row, 15);
  EXPECT_GT(run({}, tiny, 20000).longest_row, 50);
  const auto row = run({}, slower, 20000).longest_row;
  EXPECT_GT(row, 5);
  EXPECT_LE(row, 11);  // 20 ms
}

TEST(Governor, LooksAtTheContractSeldomOnShortStepsEvenIfItSeemsToCostNoMoreThanTheSentinel) {
  Training tiny;
  tiny.bare = 200e3, tiny.sentinel = tiny.contract = 4e3, tiny.full = 60e3;
  const auto result = run({}, tiny, 20000);
  EXPECT_GT(result.longest_unchecked, 64);
  EXPECT_LT(result.longest_unchecked, static_cast<int>(Governor::kMostWithoutContract));
  EXPECT_LT(run({}, tiny, 640).longest_unchecked, 32);
}

TEST(Governor, ObservesTheFirstStepsWhateverTheyCost) {
  Options options;
  options.first_steps = 20;
  Governor governor(options);
  for (int i = 0; i < 19; ++i) EXPECT_EQ(governor.next({Level::full, 1000, 900}, false).level, Level::full);
}

TEST(Governor, IsNeverBlindForLongerThanStated) {
  Options options;
  options.max_blind_steps = 50;
  Training dear;
  dear.full = 1e9, dear.contract = 1e9;
  for (const double bare : {1e6, 10e6}) {  // with and without brisk steps
    dear.bare = bare;
    const auto result = run(options, dear, 2000);
    EXPECT_LE(result.longest_blind, 50);
    EXPECT_LT(result.longest_unchecked, static_cast<int>(Governor::kMostWithoutContract));
  }
}

TEST(Governor, IsBlindForAFifthOfAYoungRunAtMost) {
  Training dear;
  dear.full = 1e9;
  for (const double bare : {1e6, 10e6}) {
    dear.bare = bare;
    EXPECT_LE(run({}, dear, 1000).longest_blind, 200);
    EXPECT_LE(run({}, dear, 3000).longest_blind, 600);
    EXPECT_LE(run({}, dear, 20000).longest_blind, 1000);
    EXPECT_GT(run({}, dear, 20000).longest_blind, 900);
  }
}

TEST(Governor, LooksAtTheContractOnEveryStepIfThatCostsNothingToSpeakOf) {
  Training large;
  large.bare = 100e6;
  EXPECT_EQ(run({}, large, 1000).longest_unchecked, 0);
}

TEST(Governor, LooksAtTheContractOnEveryStepOfALoopThatAccumulatesOrTakesTurns) {
  Training odd;
  odd.contract = 1e6;
  odd.plain = false;
  EXPECT_EQ(run({}, odd, 1000).longest_unchecked, 0);
}

TEST(Governor, LooksAtTheContractAfterEachFullObservation) {
  Governor governor({});
  Level level = Level::full;
  for (int i = 0; i < 2000; ++i) {
    const auto next = governor.next({level, 1000000, level == Level::full ? 300000U : 1000U}, false).level;
    EXPECT_FALSE(level == Level::full && next == Level::sentinel);
    level = next;
  }
}

TEST(Governor, LooksMoreOftenUnderSuspicion) {
  Training suspicious;
  suspicious.suspicious = true;
  EXPECT_GT(run({}, suspicious, 5000).observed, 4 * run({}, {}, 5000).observed);
}

TEST(Governor, TakesAPauseInTrainingForNoReasonToLook) {
  Training paused;
  paused.pause_every = 100;
  const auto with = run({}, paused, 20000), without = run({}, {}, 20000);
  EXPECT_GE(with.closest, without.closest - 10);
  EXPECT_LE(with.cost, 0.0105);
}

TEST(Governor, DoesNotPayLongForOneObservationThatWasInterrupted) {
  Governor governor({});
  Level level = Level::full;
  int observed = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t cost = level != Level::full ? 1000 : observed++ == 25 ? 500000000 : 300000;
    level = governor.next({level, 1000000 + cost, cost}, false).level;
  }
  EXPECT_GT(observed, 60);  // of 20 + 1980 / 35
}

TEST(Governor, ObservesEveryStepIfAskedTo) {
  Options options;
  options.every_step = true;
  Training dear;
  dear.full = 1e9;
  EXPECT_EQ(run(options, dear, 500).longest_blind, 0);
}

TEST(Governor, ObservesTheNextStepsWhenItInsists) {
  Options options;
  options.first_steps = 1;
  Governor governor(options);
  for (int i = 0; i < 50; ++i)
    (void)governor.next({i == 0 ? Level::full : Level::sentinel, 1000000, i == 0 ? 900000U : 100U}, false);
  governor.insist(2);
  EXPECT_EQ(governor.next({Level::sentinel, 1000000, 100}, false).level, Level::full);
  EXPECT_EQ(governor.next({Level::full, 1900000, 900000}, false).level, Level::full);
  EXPECT_NE(governor.next({Level::full, 1900000, 900000}, false).level, Level::full);
}

}  // namespace
}  // namespace sonde::monitor
