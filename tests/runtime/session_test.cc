#include "runtime/session.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/engine.h"
#include "runtime/assemble.h"
#include "trace/trace_file.h"

namespace sonde::runtime {
namespace {

using trace::Record;
using trace::RecordKind;

Options polled() {
  Options options;
  options.name = "test";
  options.background = false;
  return options;
}

trace::Site layer(const std::string& name) {
  trace::Site site;
  site.layer = name;
  site.layer_owns = true;
  site.module_type = "Linear";
  site.operation = "aten::addmm";
  site.op_class = trace::OpClass::linear;
  site.frames = {0x1000, 0x2000};
  return site;
}

// A step of a program with one layer, whose loss turns into a NaN at step 30 if `sick`.
void push_step(Session& session, std::uint32_t site, std::uint64_t step, bool sick) {
  Producer& producer = session.producer_for_this_thread();
  const bool bad = sick && step >= 30;
  const double loss = bad ? std::numeric_limits<double>::quiet_NaN() : 2.0 / (1.0 + 0.1 * static_cast<double>(step));
  Record record;
  record.step = step;
  record.flags = trace::kObservedInFull;
  record.kind = RecordKind::step_begin;
  record.facts = {};
  record.facts.loss = loss;
  record.facts.learning_rate = 0.1;
  record.facts.step_nanoseconds = 1'000'000;
  record.facts.monitor_nanoseconds = 10'000;
  record.facts.backwards = record.facts.applied = record.facts.weights_changed = record.facts.gradients_cleared = 1;
  record.facts.training_mode = 1;
  record.facts.non_finite_loss = bad ? 1 : 0;
  producer.push(record);
  Record tensor;
  tensor.step = step;
  tensor.site = site;
  tensor.position = 1;
  tensor.tensor.count = 64;
  tensor.tensor.nan = bad ? 64 : 0;
  tensor.tensor.min = -1 + 0.001 * std::sin(static_cast<double>(step));
  tensor.tensor.max = 1;
  tensor.tensor.mean_square = 0.3;
  tensor.tensor.aux = std::numeric_limits<double>::quiet_NaN();
  producer.push(tensor);
  Record end = record;
  end.kind = RecordKind::step_end;
  producer.push(end);
  session.end_step(producer);
}

void train(Session& session, bool sick) {
  const auto site = session.catalog().add(layer("fc"));
  for (std::uint64_t step = 0; step < 40; ++step) push_step(session, site, step, sick);
}

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
  Report live = session.report();
  std::stringstream file;
  write_trace(session.trace(), file);

  const trace::Trace trace = trace::read_trace(file);
  trace::Catalog catalog;
  restore(trace, catalog);
  analysis::Engine engine(catalog);
  engine.consume(trace.records);
  Report replayed = assemble("test", catalog, engine.findings(), engine.totals());
  replayed.cost.records = trace.records.size();
  EXPECT_EQ(replayed.to_json(), live.to_json());
  EXPECT_FALSE(live.findings.empty());
}

TEST(Session, GivesTheSameReportFromTheBackgroundThread) {
  Options background = polled();
  background.background = true;
  Session threaded(background);
  Session by_hand(polled());
  train(threaded, true);
  train(by_hand, true);
  EXPECT_EQ(threaded.report().to_json(), by_hand.report().to_json());
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
