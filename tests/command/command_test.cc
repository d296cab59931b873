// The command as users call it.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sonde/report.h>

#include "command/runs.h"
#include "command/shell.h"
#include "report/pattern.h"
#include "report/sample.h"
#include "runtime/replay.h"

namespace sonde::command {
namespace {

using report::matches;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Command : public testing::Shell {
 protected:
  void store(const std::string& name, const testing::Script& script) const {
    trace::store_trace(testing::run(script), path(name));
  }
};

TEST_F(Command, SaysWhatIsWrongWithAFile) {
  write("garbage", "GIF89a and so on");
  write("empty", "");
  write("broken.json", "{\"schema\": {}}");
  for (const char* subcommand : {"report", "check", "watch --once"}) {
    const std::string call = std::string(subcommand) + " FOLDER/";
    const auto said = [&](const char* file) {
      const testing::Outcome outcome = sonde(call + file);
      EXPECT_EQ(outcome.status, 2) << call << file;
      EXPECT_EQ(outcome.out, "") << call << file;
      return outcome.err;
    };
    EXPECT_THAT(said("none"), HasSubstr("none: No such file or directory"));
    EXPECT_THAT(said(""), HasSubstr("/: is a directory; wanted: a trace file or a report as JSON"));
    EXPECT_THAT(said("garbage"), HasSubstr("garbage: is neither a trace file"));
    EXPECT_THAT(said("empty"), HasSubstr("empty: is empty"));
    EXPECT_THAT(said("broken.json"),
                HasSubstr(std::string(subcommand) == "watch --once" ? "broken.json: is a report"
                                                                    : "broken.json: schema: has no"));
  }
  EXPECT_THAT(sonde("diff FOLDER/empty FOLDER/none").err, HasSubstr("empty: is empty"));
}

TEST_F(Command, WrongUsageIsTrouble) {
  EXPECT_EQ(sonde("").status, 2);
  EXPECT_EQ(sonde("dance").status, 2);
  EXPECT_EQ(sonde("report").status, 2);
  write("report.json", report::sick().to_json());
  EXPECT_THAT(sonde("report -f pdf FOLDER/report.json").err, HasSubstr("is 'pdf'; it can be text, json"));
  EXPECT_THAT(sonde("check --fail-on never FOLDER/report.json").err, HasSubstr("it can be error, warning or advice"));
  EXPECT_THAT(sonde("check --ignore magic FOLDER/report.json").err, HasSubstr("is 'magic', which is no cause"));
  EXPECT_EQ(sonde("check --ignore magic FOLDER/report.json").status, 2);
  EXPECT_THAT(sonde("report -o FOLDER/x.pdf FOLDER/report.json").err,
              HasSubstr("x.pdf: no known format; give --format"));
  EXPECT_THAT(sonde("report -o FOLDER/no/x.json FOLDER/report.json").err, HasSubstr("No such file or directory"));
}

TEST_F(Command, HelpAndVersionAreFine) {
  EXPECT_EQ(sonde("--help").status, 0);
  EXPECT_THAT(sonde("--help").out, HasSubstr("Exit codes"));
  EXPECT_THAT(sonde("--version").out, StartsWith("sonde 0."));
  for (const char* call : {"report --help", "watch --help", "diff --help", "check --help"}) {
    EXPECT_EQ(sonde(call).status, 0) << call;
  }
}

TEST_F(Command, EventsForTensorBoardAreThoseOfTheTrace) {
  write("report.json", report::sick().to_json());
  EXPECT_THAT(sonde("report --tensorboard FOLDER/ FOLDER/report.json").err,
              HasSubstr("report --tensorboard needs the trace file"));
  store("run.sonde", {});
  const testing::Outcome outcome = sonde("report --tensorboard FOLDER/events FOLDER/run.sonde");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  std::string events;
  for (const auto& file : std::filesystem::directory_iterator(path("events")))
    events += read("events/" + file.path().filename().string());
  EXPECT_THAT(events, HasSubstr("brain.Event:2"));
  EXPECT_THAT(events, HasSubstr("learning_rate"));
}

TEST_F(Command, ReportOfAReportIsTheReport) {
  write("report.json", report::sick().to_json());
  EXPECT_EQ(sonde("report --format json FOLDER/report.json").out, report::sick().to_json() + "\n");
  EXPECT_EQ(sonde("report --format jsonl FOLDER/report.json").out, report::sick().to_json_lines());
  EXPECT_EQ(sonde("report --format sarif --root '' FOLDER/report.json").out, report::sick().to_sarif() + "\n");
  EXPECT_EQ(sonde("report --format sarif --root /a/b/../c FOLDER/report.json").out,
            report::sick().to_sarif("/a/c") + "\n");
}

TEST_F(Command, ReportOfATraceIsThatOfItsReplay) {
  store("run.sonde", {.nan_step = 40});
  const Report replayed = runtime::replay(testing::run({.nan_step = 40}));
  EXPECT_GT(replayed.count(Severity::error), 0U);
  EXPECT_EQ(sonde("report --format json FOLDER/run.sonde").out, replayed.to_json() + "\n");
  EXPECT_THAT(sonde("report FOLDER/run.sonde").out, HasSubstr("error["));
}

TEST_F(Command, ReportTakesTheFormatFromTheNameOfTheOutput) {
  write("report.json", report::sick().to_json());
  const testing::Outcome outcome = sonde("report -o FOLDER/out.sarif --root '' FOLDER/report.json");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(read("out.sarif"), report::sick().to_sarif() + "\n");
  EXPECT_EQ(sonde("report -f text -o FOLDER/noname FOLDER/report.json").status, 0);
  EXPECT_THAT(read("noname"), HasSubstr("error[log-of-zero]"));
}

TEST_F(Command, CheckFailsFromTheThresholdOn) {
  write("report.json", report::sick().to_json());
  const testing::Outcome usual = sonde("check FOLDER/report.json");
  EXPECT_EQ(usual.status, 1);
  EXPECT_TRUE(matches(usual.out,
                      R"(src/net/train.cpp:41: error: forward of head.log (aten::log), step 37: {*} [log-of-zero]
warning: gradient of fc1, step 4: {*} [vanishing-gradient]
sonde: 2 findings of severity warning or above in 1200 steps
)"));
  EXPECT_THAT(sonde("check --fail-on advice FOLDER/report.json").out, HasSubstr("sonde: 3 findings"));
  EXPECT_THAT(sonde("check --fail-on error FOLDER/report.json").out, HasSubstr("sonde: 1 finding of"));
}

TEST_F(Command, CheckPassesOverWhatIsIgnored) {
  write("report.json", report::sick().to_json());
  const testing::Outcome ignoring = sonde("check --ignore log-of-zero --ignore unknown FOLDER/report.json");
  EXPECT_EQ(ignoring.status, 0);
  EXPECT_EQ(ignoring.out, "sonde: no findings of severity warning or above, 2 ignored in 1200 steps\n");
}

TEST_F(Command, CheckOfAHealthyRunIsFine) {
  write("report.json", report::healthy().to_json());
  EXPECT_EQ(sonde("check FOLDER/report.json").status, 0);
}

TEST_F(Command, WatchShowsARunThatHasEndedAndEnds) {
  store("run.sonde", {.steps = 200});
  const testing::Outcome outcome = sonde("watch FOLDER/run.sonde");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(matches(outcome.out, "step 199  1e+03 steps/s  loss {#} falling{*}  ended\n"));
  EXPECT_THAT(sonde("watch --once FOLDER/run.sonde").out, StartsWith("sonde: ended\nstep 199  "));
}

TEST_F(Command, DiffOfEqualRunsIsFine) {
  store("a", {});
  store("b", {});
  const testing::Outcome outcome = sonde("diff FOLDER/a FOLDER/b");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(matches(outcome.out, R"(A  {*}/a: 60 steps (60 observed in full); loss {#} -> {#}
B  {*}/b: 60 steps (60 observed in full); loss {#} -> {#}

No difference: bit for bit the same, {#} lines over 60 steps.
)"));
}

TEST_F(Command, DiffOfTwoSeedsSaysThatOnlyNoiseDiffers) {
  store("a", {});
  store("b", {.weights = 2, .noise = 3});
  const testing::Outcome outcome = sonde("diff FOLDER/a FOLDER/b");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("The runs differ only within their own noise: "));
  EXPECT_THAT(outcome.out, HasSubstr("they began with different weights (another seed)"));
}

TEST_F(Command, DiffNamesWhatDiffersFirst) {
  store("a", {});
  store("b", {.learning_rate = 0.5});
  const testing::Outcome outcome = sonde("diff FOLDER/a FOLDER/b");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(matches(outcome.out, R"(A  {*}/a: 60 steps (60 observed in full); loss {#} -> {#}
B  {*}/b: 60 steps (60 observed in full); loss {#} -> {#}

The programs differ:
  learning rate from step 0 on  A 0.05; B 0.5

The runs part at step 1: relative update of fc1.weight is {#} in A, {#} in B; own noise {#} %.
3 of {#} lines over 60 steps part; not the same bit for bit from step 1 on, first in: relative update of fc1.weight.

      step  place {*}
         1  relative update of fc1.weight {*}10 times A{*}
         1  relative update of fc2.weight {*}10 times A{*}
         1  relative update of fc3.weight {*}10 times A{*}
)"));
}

}  // namespace
}  // namespace sonde::command
