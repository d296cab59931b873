// The difference of two runs: where they part, line by line, and whether they started alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/course.h"
#include "command/parting.h"

namespace sonde::command {

struct PartedLine {
  std::string name;  // "update of conv1.weight", "loss"
  Phase phase = Phase::forward;
  Parting parting;
};

struct FirstUnlike {
  std::uint64_t step = 0;
  std::string name;
};

struct Difference {
  // At least half of the weights (of the outputs, where no weights were seen) began bit for bit the same.
  bool same_start = false;
  // The first measurement that was not bit for bit the same; none: the runs are equal. Within a step, what leads to
  // something comes before it: update (of the step before), weight, input, forward pass, loss, backward pass, gradient.
  std::optional<FirstUnlike> first_unlike;
  std::vector<PartedLine> parted;  // in the same order
  std::uint64_t compared = 0;      // lines that both runs have
  std::uint64_t steps = 0;         // that both runs have
};

[[nodiscard]] Difference difference(const Course& a, const Course& b);

}  // namespace sonde::command
