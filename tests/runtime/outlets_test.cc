// What a session tells while it runs, and at its end.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include "report/temporary_folder.h"
#include "runtime/session.h"

namespace sonde::runtime {
namespace {

using report::TemporaryFolder;
using ::testing::HasSubstr;
using trace::Record;
using trace::RecordKind;

// Keeps what is logged, a call an entry.
class Memory : public spdlog::sinks::base_sink<std::mutex> {
 public:
  struct Entry {
    spdlog::level::level_enum level;
    std::string text;
  };
  std::vector<Entry> entries;
  std::function<void()> at_each;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    entries.push_back({message.level, std::string(message.payload.data(), message.payload.size())});
    if (at_each) at_each();
  }
  void flush_() override {}
};

Options unnamed() {
  Options options;
  options.background = false;
  return options;
}

void push_step(Session& session, std::uint64_t step, double loss) {
  Record record;
  record.kind = RecordKind::step_begin;
  record.step = step;
  record.time_ns = 1000 + step;
  record.flags = trace::kObservedInFull;
  record.facts = {};
  record.facts.loss = loss;
  record.facts.learning_rate = 0.1;
  record.facts.applied = record.facts.weights_changed = record.facts.gradients_cleared = record.facts.training_mode = 1;
  record.facts.non_finite_loss = std::isfinite(loss) ? 0 : 1;
  Producer& producer = session.producer_for_this_thread();
  producer.push(record);
  Record origin;
  origin.kind = RecordKind::origin;
  origin.step = step;
  origin.phase = Phase::forward;
  origin.site = 1;
  origin.origin = {};
  origin.origin.via_loss = 1;
  origin.origin.count = origin.origin.nan = 4;
  if (!std::isfinite(loss)) producer.push(origin);
  record.kind = RecordKind::step_end;
  producer.push(record);
  session.end_step(producer);
}

void train_twenty_steps(Session& session, bool sick) {
  trace::Site site;
  site.layer = "fc";
  site.layer_owns = true;
  site.operation = "aten::addmm";
  site.op_class = trace::OpClass::linear;
  session.catalog().add(site);
  for (std::uint64_t step = 0; step < 20; ++step) push_step(session, step, 1.0 / (1.0 + step));
  if (sick) push_step(session, 20, std::numeric_limits<double>::quiet_NaN());
}

struct Logged {
  std::shared_ptr<Memory> memory = std::make_shared<Memory>();
  Options options = unnamed();
  Logged() { options.logger = std::make_shared<spdlog::logger>("test", memory); }
};

TEST(Logger, HearsNothingOfAHealthyRunButTheClosingLine) {
  Logged logged;
  Session session(logged.options);
  train_twenty_steps(session, false);
  session.poll();
  EXPECT_TRUE(logged.memory->entries.empty());
  const Report report = session.report();
  session.close(&report);
  ASSERT_EQ(logged.memory->entries.size(), 1U);
  EXPECT_EQ(logged.memory->entries[0].level, spdlog::level::info);
  EXPECT_THAT(logged.memory->entries[0].text, HasSubstr("sonde: no findings in 20 steps"));
}

TEST(Logger, HearsOfAFindingWhenItAppearsOnceAtItsLevel) {
  Logged logged;
  Session session(logged.options);
  train_twenty_steps(session, true);
  EXPECT_TRUE(logged.memory->entries.empty());
  session.poll();
  session.poll();
  ASSERT_EQ(logged.memory->entries.size(), 1U);
  EXPECT_EQ(logged.memory->entries[0].level, spdlog::level::err);
  EXPECT_THAT(logged.memory->entries[0].text, HasSubstr("sonde: error["));
  const Report report = session.report();
  session.close(&report);
  ASSERT_EQ(logged.memory->entries.size(), 2U);
  EXPECT_THAT(logged.memory->entries[1].text, HasSubstr("1 error in 21 steps"));
}

TEST(Logger, HearsFromTheAnalysisThread) {
  Logged logged;
  logged.options.background = true;
  Session session(logged.options);
  train_twenty_steps(session, true);
  session.close(nullptr);
  ASSERT_EQ(logged.memory->entries.size(), 1U);
}

TEST(Logger, MayAskForAReportItself) {
  Logged logged;
  Session session(logged.options);
  std::size_t findings = 0;
  logged.memory->at_each = [&] { findings = session.report().findings.size(); };
  train_twenty_steps(session, true);
  session.poll();
  EXPECT_EQ(findings, 1U);
}

TEST(ClosingLine, GoesToStderrWithoutALogger) {
  Session session(unnamed());
  train_twenty_steps(session, false);
  const Report report = session.report();
  ::testing::internal::CaptureStderr();
  session.close(&report);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::StartsWith("sonde: no findings in 20 steps"));
}

TEST(ClosingLine, IsTheWholeReportOfASickRunThatNobodyAskedFor) {
  Session session(unnamed());
  train_twenty_steps(session, true);
  const Report report = session.report();
  std::ostringstream wanted;
  report.print(wanted);
  ::testing::internal::CaptureStderr();
  session.close(&report);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), wanted.str());
}

TEST(ClosingLine, IsNotSaidWhereNothingIsToBeSaid) {
  Session session(unnamed());
  ::testing::internal::CaptureStderr();
  session.close(nullptr);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(TensorBoardFile, ThatCannotBeMadeIsATroubleOnceAndNotObserved) {
  const TemporaryFolder folder;
  std::ofstream(folder.path()) << "in the way";
  Options options = unnamed();
  options.tensorboard = folder.path() + "/logs";
  std::vector<std::string> troubles;
  options.on_trouble = [&](std::string_view trouble) { troubles.emplace_back(trouble); };
  Session session(options);
  train_twenty_steps(session, false);
  const Report report = session.report();
  ASSERT_EQ(troubles.size(), 1U);
  EXPECT_THAT(troubles[0], HasSubstr("no TensorBoard file: " + options.tensorboard));
  ASSERT_EQ(report.not_observed.size(), 1U);
  EXPECT_EQ(report.not_observed[0].what, "the TensorBoard file");
  EXPECT_EQ(report.context.steps, 20U);
}

TEST(TensorBoardFile, HasTheStepsTheMetricsAndTheIncidents) {
  const TemporaryFolder folder;
  Options options = unnamed();
  options.tensorboard = folder.path();
  Session session(options);
  train_twenty_steps(session, true);
  session.metric("val_loss", 0.5, {}, 20, 5000);
  session.poll();
  session.close(nullptr);
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::ifstream in(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(in), {});
  }
  for (const char* tag : {"train/learning_rate", "metrics/val_loss", "incidents/"}) EXPECT_THAT(bytes, HasSubstr(tag));
}

TEST(Metrics, AreInTheReportInTheOrderFirstGiven) {
  Session session(unnamed());
  train_twenty_steps(session, false);
  session.metric("val_loss", 2, {}, 5, 0);
  session.metric("quality", 7, {Better::higher, Split::validation}, 5, 0);
  session.metric("val_loss", 1, {}, 9, 0);
  const Report report = session.report();
  ASSERT_EQ(report.context.metrics.size(), 2U);
  EXPECT_EQ(report.context.metrics[0].name, "val_loss");
  EXPECT_EQ(report.context.metrics[0].best_step, 9U);
  EXPECT_EQ(report.context.metrics[1].better, Better::higher);
}

TEST(Metrics, HaveABoundedNumberOfNames) {
  Session session(unnamed());
  for (int i = 0; i < 300; ++i) session.metric("loss_" + std::to_string(i), 1, {}, 0, 0);
  const Report report = session.report();
  EXPECT_EQ(report.context.metrics.size(), MetricNames::kLimit);
  ASSERT_EQ(report.not_observed.size(), 1U);
  EXPECT_EQ(report.not_observed[0].count, 300 - MetricNames::kLimit);
}

TEST(Metrics, OfSeveralThreadsMeetUnderOneName) {
  Session session(unnamed());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) session.metric("val_" + std::to_string(k % 10), k, {}, 0, 0);
    });
  }
  for (auto& thread : threads) thread.join();
  const Report report = session.report();
  ASSERT_EQ(report.context.metrics.size(), 10U);
  for (const auto& metric : report.context.metrics) EXPECT_EQ(metric.count, 40U);
}

}  // namespace
}  // namespace sonde::runtime
