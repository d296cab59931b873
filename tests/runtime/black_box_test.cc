#include "runtime/black_box.h"

#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "runtime/replay.h"
#include "runtime/session.h"
#include "small_run.h"
#include "trace/trace_file.h"

namespace sonde::runtime {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BlackBoxTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(path_); }
  void TearDown() override { std::filesystem::remove(path_); }

  [[nodiscard]] Options recorded() {
    Options options = polled();
    options.trace_file = path_;
    options.trace_records = 1024;
    options.on_trouble = [this](std::string_view text) { troubles_.emplace_back(text); };
    return options;
  }
  [[nodiscard]] Report replayed() const { return replay(trace::load_trace(path_)); }

  // The session goes on without a file, and says why.
  void expect_unharmed(const Options& options, const std::string& why) {
    Session session(options);
    train(session, true);
    const Report report = session.report();
    EXPECT_GE(report.count(Severity::error), 1U);
    EXPECT_EQ(report.cost.records, 120U);
    EXPECT_THAT(report.not_observed, Contains(Field(&NotObserved::reason, HasSubstr(why))));
    (void)session.report();
    ASSERT_EQ(troubles_.size(), 1U);
    EXPECT_THAT(troubles_[0], AllOf(HasSubstr("trace file"), HasSubstr(why)));
  }

  const std::string path_ =
      testing::TempDir() + "/sonde_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".trace";
  std::vector<std::string> troubles_;
};

TEST_F(BlackBoxTest, GoesOnWithoutAFileThatCannotBeMade) {
  Options options = recorded();
  options.trace_file = "/no/such/folder/run.trace";
  expect_unharmed(options, "/no/such/folder/run.trace: No such file or directory");
}

TEST_F(BlackBoxTest, GoesOnWhereThereIsNoSpaceForTheFile) {
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_unharmed(recorded(), "File too large");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
}

TEST_F(BlackBoxTest, GoesOnWhereThereIsNoSpaceForTheRecords) {
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 300'000;  // header and journal fit
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Session session(recorded());
  train(session, true);
  Report report = session.report();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_GE(report.count(Severity::error), 1U);
  EXPECT_THAT(report.not_observed,
              Contains(Field(&NotObserved::what, HasSubstr("the records of a thread in the trace file"))));
  EXPECT_EQ(troubles_.size(), 1U);
}

TEST_F(BlackBoxTest, GoesOnWithoutTheFileOfAnotherMonitor) {
  Session first(recorded());
  expect_unharmed(recorded(), "another monitor is writing to it");
  train(first, false);
  (void)first.report();
  EXPECT_EQ(trace::load_trace(path_).records.size(), 120U);
}

TEST_F(BlackBoxTest, GoesOnWhenTheFileIsRemoved) {
  Session session(recorded());
  std::filesystem::remove(path_);
  train(session, true);
  EXPECT_THAT(session.report().not_observed, Contains(Field(&NotObserved::reason, HasSubstr("has been removed"))));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(BlackBoxTest, IsNoFileIfNoneIsNamed) {
  Options options = polled();
  Troubles troubles(nullptr);
  const BlackBox none(options, troubles);
  EXPECT_FALSE(none.recording());
}

TEST_F(BlackBoxTest, ReplaysToTheReportOfTheRun) {
  for (const bool background : {false, true}) {
    for (const bool sick : {false, true}) {
      Options options = recorded();
      options.background = background;
      std::string live;
      {
        Session session(options);
        train(session, sick);
        live = session.report().to_json();
        EXPECT_EQ(replayed().to_json(), live);
        EXPECT_FALSE(trace::load_trace(path_).closed);
      }
      EXPECT_EQ(replayed().to_json(), live);
      EXPECT_TRUE(trace::load_trace(path_).closed);
    }
  }
  EXPECT_THAT(troubles_, IsEmpty());
}

TEST_F(BlackBoxTest, ReplaysWhatTheGuardDid) {
  Options options = recorded();
  options.on_fault = OnFault::skip;
  Session session(options);
  const auto site = session.catalog().add(layer("fc"));
  for (std::uint64_t step = 0; step < 40; ++step) push_step(session, site, step, step >= 30, step >= 30);
  const Report live = session.report();
  EXPECT_EQ(replayed().to_json(), live.to_json());
  ASSERT_FALSE(live.findings.empty());
  EXPECT_EQ(live.findings[0].kept, "10 updates were not applied, the first on step 30 (on_fault = skip)");
}

TEST_F(BlackBoxTest, ReplaysSeveralThreads) {
  Options options = recorded();
  options.background = true;
  Session session(options);
  train(session, false);
  std::thread other([&] {
    const auto site = session.catalog().add(layer("other"));
    for (std::uint64_t step = 40; step < 80; ++step) push_step(session, site, step, step >= 70);
  });
  other.join();
  const std::string live = session.report().to_json();
  EXPECT_EQ(replayed().to_json(), live);
}

TEST_F(BlackBoxTest, ReplaysAProgramThatChanges) {
  // Two programs take turns, as with a GAN. However late the analysis runs, it must see each as it was then.
  for (const bool at_once : {true, false}) {
    Session session(recorded());
    const auto site = session.catalog().add(layer("fc"));
    for (std::uint64_t step = 0; step < 60; ++step) {
      trace::Program program;
      program.loss_operation = step % 2 == 0 ? "aten::mse_loss" : "aten::nll_loss";
      program.optimizer = "SGD";
      program.learning_rate = step < 50 ? 0.1 : 0.2;
      session.catalog().set_program(program);
      if (step == 20) push_step(session, session.catalog().add(layer("late")), step, false);
      push_step(session, site, step, step >= 50);
      if (at_once) session.poll();
    }
    const std::string live = session.report().to_json();
    EXPECT_EQ(replayed().to_json(), live) << (at_once ? "analysed at once" : "analysed late");
  }
}

TEST_F(BlackBoxTest, KeepsWhatWasFoundInRecordsThatAreOverwritten) {
  Options options = recorded();
  std::string found;
  {
    Session session(options);
    const auto site = session.catalog().add(layer("fc"));
    for (std::uint64_t step = 0; step < 1000; ++step) {
      push_step(session, site, step, step >= 30 && step < 40);
      if (step % 100 == 0) session.poll();
    }
    const Report live = session.report();
    ASSERT_FALSE(live.findings.empty());
    found = live.findings[0].origin.message;
  }
  const trace::Trace trace = trace::load_trace(path_);
  EXPECT_EQ(trace.overwritten, 3000U - 1023U);
  const Report report = replay(trace);
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].origin.message, found);
  EXPECT_EQ(report.findings[0].origin.step, 30U);
  EXPECT_EQ(report.context.steps, 1000U);
  EXPECT_EQ(report.context.observed_steps, 1000U);
  EXPECT_EQ(report.context.first_loss, 2.0);
  EXPECT_EQ(report.cost.records, 3000U);
  EXPECT_THAT(report.not_observed, Contains(Field(&NotObserved::count, trace.overwritten)));
}

TEST_F(BlackBoxTest, FindsWhatHappenedAfterTheLastReportWasKept) {
  Options options = recorded();
  Session session(options);
  const auto site = session.catalog().add(layer("fc"));
  std::uint64_t step = 0;
  for (; step < 1000; ++step) {
    push_step(session, site, step, false);
    if (step % 100 == 99) session.poll();
  }
  EXPECT_EQ(replayed().count(Severity::warning), 0U);
  for (; step < 1010; ++step) push_step(session, site, step, true);  // and nobody analyses it
  const Report report = replayed();
  ASSERT_EQ(report.count(Severity::error), 1U);
  EXPECT_EQ(report.findings[0].origin.step, 1000U);
  EXPECT_EQ(report.context.steps, 1010U);
}

TEST_F(BlackBoxTest, HasSourceLinesBeforeAReportIsMade) {
  Session::Extras extras;
  extras.resolve = [](std::span<const std::uintptr_t>) { return SourceLine{"train.cpp", "main", 41}; };
  Session session(recorded(), extras);
  train(session, true);
  session.poll();
  EXPECT_EQ(trace::load_trace(path_).sites.at(1).source.line, 41U);
}

TEST_F(BlackBoxTest, SaysWhichOfTheProgramsOwnRulesAReplayLacks) {
  class Own : public Rule {
   public:
    [[nodiscard]] std::string_view name() const noexcept override { return "mine"; }
    [[nodiscard]] std::vector<Violation> check(const MetaModel&) const override { return {}; }
  };
  Options options = recorded();
  options.own_rules = {std::make_shared<Own>()};
  Session session(options);
  train(session, false);
  const std::string live = session.report().to_json();
  EXPECT_THAT(replayed().not_observed, Contains(Field(&NotObserved::what, HasSubstr("own rule mine"))));
  EXPECT_EQ(replay(trace::load_trace(path_), options.own_rules).to_json(), live);
}

}  // namespace
}  // namespace sonde::runtime
