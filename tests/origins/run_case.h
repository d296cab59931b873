// Runs a program with a known origin under a monitor and judges what the report says.
#pragma once

#include <string>

#include <sonde/sonde.h>

#include "origin_case.h"

namespace sonde::origins {

enum class Mode {
  every_step,  // every operation observed, backward(loss)
  closure,     // only the first step observed in full, backward([] { return loss; }): the bad step is run again
  check,       // every operation observed, loss.backward() by the user, then check(loss)
};

inline constexpr int kBadStep = 5;
inline constexpr int kSteps = 8;  // two more after the bad one, with whatever it left in the weights

// Trains `program` under a monitor; the lines marked on the bad step are left for take_marked_lines().
Report train(Program& program, Mode mode, int free_steps = 0);

// The same without a monitor. True if every loss and gradient was finite, up to the bad step and on it.
struct Bare {
  bool healthy_before;
  bool healthy_then;
};
Bare train_bare(Program& program, int free_steps = 0);

enum class Answer { right, unknown, wrong };

struct Judgement {
  Answer answer;
  std::string said;  // the place that was named
};

// `unknown`: the report has a non-finite finding, but names no operation or no line. Any other answer than the known
// one is wrong, a second non-finite finding and silence too.
Judgement judge(const Case& test, const Report& report, const std::vector<SourceLine>& lines);

}  // namespace sonde::origins
