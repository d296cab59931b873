// Where do NaN and infinities come from? Programs with a known answer, and healthy ones that have such values in them.
#include <chrono>
#include <cmath>
#include <iomanip>
#include <iostream>

#include <gtest/gtest.h>

#include "run_case.h"

namespace sonde::origins {
namespace {

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (auto&& some : {forward_cases(), more_forward_cases(), backward_cases(), layer_cases()}) {
    cases.insert(cases.end(), some.begin(), some.end());
  }
  return cases;
}

// A finite bill: right in at least 95 of 100, and never a wrong place.
void expect_right_origins(Mode mode) {
  int count = 0, right = 0, unknown = 0, wrong = 0;
  for (const auto& test : all_cases()) {
    torch::manual_seed(1);
    const auto start = std::chrono::steady_clock::now();
    auto program = test.make();
    const auto report = train(program, mode, test.free_steps);
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
    const auto [answer, said] = judge(test, report, take_marked_lines());
    ++count;
    ++(answer == Answer::right ? right : answer == Answer::unknown ? unknown : wrong);
    const char* word = answer == Answer::right ? "right" : answer == Answer::unknown ? "unknown" : "WRONG";
    std::cout << std::left << std::setw(8) << word << std::setw(58) << test.name << std::right << std::setw(5)
              << std::lround(spent.count()) << " ms  " << said << '\n';
    EXPECT_NE(answer, Answer::wrong) << test.name << ": " << said;
  }
  std::cout << "origins: cases=" << count << " right=" << right << " unknown=" << unknown << " wrong=" << wrong << '\n';
  EXPECT_GE(right, std::ceil(0.95 * count));
}

void expect_silence(Mode mode) {
  for (const auto& test : harmless_programs()) {
    torch::manual_seed(1);
    auto program = test.make();
    const auto report = train(program, mode);
    for (const auto& finding : report.findings) {
      if (finding.severity == Severity::advice) continue;
      ADD_FAILURE() << test.name << ": " << finding.origin.kind << " in " << finding.origin.where.layer << " ("
                    << finding.origin.where.operation << ") line " << finding.origin.where.source.line << ": "
                    << finding.origin.message;
    }
  }
}

TEST(Origins, EachProgramIsHealthyUntilItsFaultAndNotThen) {
  for (const auto& test : all_cases()) {
    torch::manual_seed(1);
    auto program = test.make();
    const auto bare = train_bare(program, test.free_steps);
    EXPECT_TRUE(bare.healthy_before) << test.name;
    EXPECT_FALSE(bare.healthy_then) << test.name;
    EXPECT_FALSE(take_marked_lines().empty()) << test.name;
  }
}

TEST(Origins, EachHarmlessProgramHasFiniteLossesAndGradients) {
  for (const auto& test : harmless_programs()) {
    torch::manual_seed(1);
    auto program = test.make();
    const auto bare = train_bare(program);
    EXPECT_TRUE(bare.healthy_before && bare.healthy_then) << test.name;
  }
}

TEST(Origins, AreNamedWhenEveryStepIsObserved) { expect_right_origins(Mode::every_step); }

TEST(Origins, AreNamedWhenAnUnobservedStepIsRunAgain) { expect_right_origins(Mode::closure); }

TEST(Origins, ThatDoNoHarmAreNotNamedWhenEveryStepIsObserved) { expect_silence(Mode::every_step); }

TEST(Origins, ThatDoNoHarmAreNotNamedInClosures) { expect_silence(Mode::closure); }

// Without backward(loss) the nodes are not seen: forward origins are named, the others at most to the layer.
TEST(Origins, OfTheForwardPassAreNamedByCheck) {
  auto cases = forward_cases();
  int right = 0;
  for (const auto& test : cases) {
    torch::manual_seed(1);
    auto program = test.make();
    const auto report = train(program, Mode::check);
    const auto [answer, said] = judge(test, report, take_marked_lines());
    right += answer == Answer::right;
    EXPECT_NE(answer, Answer::wrong) << test.name << ": " << said;
  }
  EXPECT_GE(right, std::ceil(0.95 * static_cast<double>(cases.size())));
}

TEST(Origins, OfTheBackwardPassAreNotNamedWronglyByCheck) {
  for (auto& test : backward_cases()) {
    torch::manual_seed(1);
    auto program = test.make();
    const auto report = train(program, Mode::check);
    EXPECT_GE(report.count(Severity::error), 1u) << test.name;
    for (const auto& finding : report.findings) {
      const auto& where = finding.origin.where;
      if (finding.origin.kind != "non-finite" || !where.source.known() || where.phase == Phase::gradient) continue;
      const auto [answer, said] = judge(test, report, take_marked_lines());
      EXPECT_NE(answer, Answer::wrong) << test.name << ": " << said;
    }
  }
}

}  // namespace
}  // namespace sonde::origins
