#include "command/frame.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "command/runs.h"
#include "command/vitals.h"
#include "report/pattern.h"
#include "report/sample.h"
#include "runtime/replay.h"

namespace sonde::command {
namespace {

using report::matches;

std::string text_of(const trace::Trace& trace, const Report& report, RunState state, std::size_t width = 100) {
  std::string text;
  for (const std::string& line : frame(trace, report, state, width)) text += line + '\n';
  return text;
}

TEST(Frame, OfARunThatHasNotBegunSaysSo) {
  EXPECT_EQ(text_of({}, {}, RunState::running), ": running\nno step yet  loss -  learning rate -\n\nno incidents\n");
}

TEST(Frame, ShowsStepLossLayersAndIncidents) {
  const trace::Trace trace = testing::run({.steps = 200});
  Report report = report::sick();
  EXPECT_TRUE(matches(text_of(trace, report, RunState::running),
                      R"(sonde: running
step 199  1e+03 steps/s  loss {#} falling  learning rate 0.05

  layers, strangest first            update/weight   gradient       dead
  fc{*}.weight {*}-
  fc{*}.weight {*}-
  fc{*}.weight {*}-

  error[log-of-zero] step 37, forward of head.log (aten::log)  train.cpp:41
  warning[vanishing-gradient] step 4, gradient of fc1
  advice[redundant-dropout] step 0, forward of drop (aten::dropout)  train.cpp:12
)"));
}

TEST(Frame, SaysThatARunHasEndedOrIsGone) {
  const trace::Trace trace = testing::run({.steps = 3});
  const Report report = runtime::replay(trace);
  EXPECT_TRUE(text_of(trace, report, RunState::ended).starts_with("sonde: ended\n"));
  EXPECT_TRUE(text_of(trace, report, RunState::gone).starts_with("sonde: gone: the program ended without"));
}

TEST(Frame, KeepsToTheWidth) {
  trace::Trace trace = testing::run({.steps = 30});
  for (trace::Site& site : trace.sites) site.layer = std::string(500, 'x') + "\x1b[31m";
  const std::string text = text_of(trace, report::sick(), RunState::running, 40);
  std::size_t column = 0;
  for (const char c : text) {
    column = c == '\n' ? 0 : column + 1;
    ASSERT_LE(column, 40U);
    ASSERT_NE(c, '\x1b');
  }
}

TEST(Frame, InOneLineNamesTheIncidents) {
  const trace::Trace trace = testing::run({.steps = 200});
  EXPECT_TRUE(matches(short_line(trace, report::sick(), RunState::ended),
                      "step 199  1e+03 steps/s  loss {#} falling  error[log-of-zero]  warning[vanishing-gradient]  "
                      "advice[redundant-dropout]  ended\n"));
}

TEST(Cut, CutsBetweenCharacters) {
  EXPECT_EQ(cut("\xc3\xa9\xc3\xa9\xc3\xa9", 2), "\xc3\xa9\xc3\xa9");
  EXPECT_EQ(cut("abc", 5), "abc");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST(Vitals, SayNothingOfTheTrendOfAShortRun) { EXPECT_EQ(trend(vitals_of(testing::run({.steps = 60}))), ""); }

TEST(Vitals, ALossThatIsNotFiniteIsShownAtOnce) {
  const Vitals vitals = vitals_of(testing::run({.steps = 200, .nan_step = 199}));
  EXPECT_TRUE(std::isnan(vitals.loss));
  EXPECT_EQ(trend(vitals), "");
}

TEST(Vitals, ALossThatStaysIsSteady) {
  trace::Trace trace = testing::run({.steps = 300});
  for (trace::Record& record : trace.records) {
    if (record.kind == trace::RecordKind::loss) record.loss.value = 1 + 0.1 * static_cast<double>(record.step % 7);
  }
  EXPECT_EQ(trend(vitals_of(trace)), "steady");
}

TEST(Vitals, TheStrangestLayerComesFirst) {
  trace::Trace trace = testing::run({.steps = 30});
  for (trace::Record& record : trace.records) {
    const trace::Site& site = trace.sites[record.site];
    if (record.phase == Phase::update && site.layer == "fc2") record.tensor.mean_square *= 1e6;
  }
  const Vitals vitals = vitals_of(trace);
  ASSERT_EQ(vitals.layers.size(), 3U);
  EXPECT_EQ(vitals.layers[0].name, "fc2.weight");
  EXPECT_NEAR(vitals.layers[0].strangeness, 3, 0.5);
}

}  // namespace
}  // namespace sonde::command
