#include "runtime/session.h"

#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sonde/analyzer.h>

#include "runtime/replay.h"
#include "small_run.h"
#include "trace/trace_file.h"

namespace sonde::runtime {
namespace {

TEST(Session, ReportsAHealthyRunWithoutFindings) {
  Session session(polled());
  train(session, false);
  const Report report = session.report();
  EXPECT_EQ(report.count(Severity::warning), 0U);
  EXPECT_FALSE(session.broken());
  EXPECT_EQ(report.context.steps, 40U);
  EXPECT_EQ(report.context.observed_steps, 40U);
  EXPECT_EQ(report.context.first_loss, 2.0);
  EXPECT_EQ(report.cost.records, 120U);
  EXPECT_EQ(report.cost.dropped, 0U);
}

TEST(Session, ReportsASickRunAndSaysThatItIsBroken) {
  Session session(polled());
  train(session, true);
  EXPECT_FALSE(session.broken());
  session.poll();
  EXPECT_TRUE(session.broken());
  EXPECT_GE(session.report().count(Severity::error), 1U);
}

TEST(Session, ReportsWhatWasMeasuredOverTheSteps) {
  Session session(polled());
  train(session, true);
  const Timeline timeline = session.report().timeline;
  ASSERT_EQ(timeline.layers.size(), 1U);
  EXPECT_EQ(timeline.layers[0].path, "fc");
  ASSERT_EQ(timeline.layers[0][Quantity::activation].size(), 40U);
  EXPECT_EQ(timeline.layers[0][Quantity::activation][29].non_finite, 0);
  EXPECT_EQ(timeline.layers[0][Quantity::activation][30].non_finite, 1);
  EXPECT_EQ(timeline.observed.size(), 40U);
}

TEST(Session, NamesWhatTheProgramIs) {
  Session session(polled());
  trace::Program program;
  program.optimizer = "SGD";
  program.learning_rate = 0.1;
  program.momentum = 0.9;
  program.loss_operation = "aten::nll_loss";
  program.loss_reduction = 1;
  program.layers = 1;
  session.catalog().set_program(program);
  session.catalog().not_observed("emb", "sparse gradient", 3);
  const Report report = session.report();
  EXPECT_EQ(report.context.monitor, "test");
  EXPECT_EQ(report.context.optimizer, "SGD lr 0.1 momentum 0.9");
  EXPECT_EQ(report.context.loss, "nll_loss, mean");
  EXPECT_FALSE(report.context.sonde_version.empty());
  ASSERT_EQ(report.not_observed.size(), 1U);
  EXPECT_EQ(report.not_observed[0].count, 3U);
}

TEST(Session, FindsSourceLinesWhenAReportIsMadeAndOnlyOnce) {
  int calls = 0;
  Session::Extras extras;
  extras.resolve = [&](std::span<const std::uintptr_t> frames) {
    ++calls;
    EXPECT_EQ(frames.size(), 2U);
    return SourceLine{"train.cpp", "main", 41};
  };
  Session session(polled(), extras);
  train(session, true);
  EXPECT_EQ(calls, 0);
  (void)session.report();
  const Report report = session.report();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(session.catalog().site(1).source.line, 41U);
  EXPECT_EQ(report.findings.at(0).origin.where.source.line, 41U);
}

class Thrower : public Analyzer {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "thrower"; }
  [[nodiscard]] std::vector<Violation> end_of_step(const StepView&) override { throw std::runtime_error("no idea"); }
};

TEST(Session, TellsAndCountsAnOwnAnalyzerThatThrows) {
  std::vector<std::string> told;
  Options options = polled();
  options.own_analyzers = {std::make_shared<Thrower>()};
  options.on_trouble = [&](std::string_view message) { told.emplace_back(message); };
  Session session(options);
  train(session, false);
  const Report report = session.report();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0],
            "sonde: an own analyzer failed: thrower threw: no idea; it is shown the next step, and the training is not "
            "affected");
  ASSERT_EQ(report.not_observed.size(), 1U);
  EXPECT_EQ(report.not_observed[0].what, "what the analyzer thrower would have found");
  EXPECT_EQ(report.not_observed[0].count, 40U);
  EXPECT_EQ(report.context.steps, 40U);
}

TEST(Session, KeepsRecordsOnlyIfAsked) {
  Session forgetful(polled());
  train(forgetful, false);
  EXPECT_TRUE(forgetful.trace().records.empty());
  Session keeper(polled());
  keeper.keep_records();
  train(keeper, false);
  EXPECT_EQ(keeper.records().size(), 120U);
}

TEST(Session, GivesTheSameReportFromAReplayedTraceFile) {
  Session session(polled());
  session.keep_records();
  train(session, true);
  const Report live = session.report();
  std::stringstream file;
  write_trace(session.trace(), file);

  const Report replayed = replay(trace::read_trace(file.str()));
  EXPECT_EQ(replayed.to_json(), live.to_json());
  EXPECT_EQ(replayed.to_html(), live.to_html());
  EXPECT_FALSE(live.findings.empty());
}

TEST(Session, GivesTheSameMetricsFromAReplayedTraceFile) {
  Session session(polled());
  session.keep_records();
  train(session, false);
  for (int i = 0; i < 20; ++i) session.metric("val_loss", 1.0 / (1 + i), {Better::lower, Split::validation}, 39, 7);
  const Report live = session.report();
  std::stringstream file;
  write_trace(session.trace(), file);

  const Report replayed = replay(trace::read_trace(file.str()));
  EXPECT_EQ(replayed.to_json(), live.to_json());
  EXPECT_EQ(live.context.metrics.at(0).count, 20U);
}

TEST(Session, GivesTheSameReportFromTheBackgroundThread) {
  Options background = polled();
  background.background = true;
  Session threaded(background);
  Session by_hand(polled());
  train(threaded, true);
  train(by_hand, true);
  EXPECT_EQ(threaded.report().to_json(), by_hand.report().to_json());
  EXPECT_EQ(threaded.report().to_html(), by_hand.report().to_html());
}

TEST(Session, ReportsFromAnyThreadWhileAnotherTrains) {
  Options options = polled();
  options.background = true;
  Session session(options);
  std::thread trainer([&] { train(session, true); });
  for (int i = 0; i < 20; ++i) (void)session.report();
  trainer.join();
  EXPECT_EQ(session.report().context.steps, 40U);
}

}  // namespace
}  // namespace sonde::runtime
