#include "command/program_diff.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "command/runs.h"

namespace sonde::command {
namespace {

std::string told(const trace::Trace& a, const trace::Trace& b) {
  std::string text;
  for (const Unlike& unlike : unlike_programs(a, b, course_of(a), course_of(b))) {
    text += unlike.what + ": " + unlike.a + " | " + unlike.b + "\n";
  }
  return text;
}

trace::Trace changed(void (*change)(trace::Program&)) {
  trace::Trace trace = testing::run({.steps = 5});
  change(trace.programs.back().program);
  return trace;
}

TEST(ProgramDiff, EqualProgramsHaveNone) {
  EXPECT_EQ(told(testing::run({.steps = 5}), testing::run({.weights = 2, .noise = 3, .steps = 9})), "");
  EXPECT_EQ(told({}, {}), "");
}

TEST(ProgramDiff, NamesLayersThatOneHas) {
  EXPECT_EQ(told(testing::run({.steps = 5}), testing::run({.steps = 5, .one_layer_more = true})),
            "layer extra: - | Linear\nparameter extra.weight: - | [64, 20] \n");
}

TEST(ProgramDiff, NamesTheStepFromWhichTheRateDiffers) {
  EXPECT_EQ(told(testing::run({.steps = 5}), testing::run({.steps = 5, .learning_rate = 0.5})),
            "learning rate from step 0 on: 0.05 | 0.5\n");
}

TEST(ProgramDiff, NamesSettings) {
  const trace::Trace usual = testing::run({.steps = 5});
  EXPECT_EQ(told(usual, changed([](trace::Program& program) { program.optimizer = "Adam"; })),
            "optimizer: SGD | Adam\n");
  EXPECT_EQ(told(usual, changed([](trace::Program& program) { program.loss_reduction = 2; })),
            "reduction of the loss: mean | sum\n");
  EXPECT_EQ(told(usual, changed([](trace::Program& program) { program.modules[1].training = false; })),
            "layer relu1: Linear | Linear, in evaluation mode\n");
  EXPECT_EQ(told(usual, changed([](trace::Program& program) { program.device = "cuda:0\x1b"; })),
            "device: - | cuda:0 \n");
}

TEST(ProgramDiff, NamesShapes) {
  const trace::Trace usual = testing::run({.steps = 5});
  trace::Trace other = usual;
  for (trace::Site& site : other.sites) {
    if (site.layer == "fc2" && !site.parameter.empty()) site.shape = {32, 20};
  }
  EXPECT_EQ(told(usual, other), "parameter fc2.weight: [64, 20]  | [32, 20] \n");
}

}  // namespace
}  // namespace sonde::command
