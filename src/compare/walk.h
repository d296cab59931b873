// Walk: the comparison of two recordings in the order of execution.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <sonde/comparison.h>

#include "compare/ground.h"
#include "compare/pair_check.h"

namespace sonde::compare {

struct WalkResult {
  std::vector<Fault> faults;           // in the order of execution
  std::vector<Mend> mends;             // accepted ones
  std::int64_t first_divergence = -1;  // index into `faults`
  Agreement before, after;
  bool stopped_at_input = false;
  std::size_t pairs = 0, unmatched = 0;  // operations
  std::size_t parameters = 0, equal_parameters = 0;
  std::vector<NotCompared> not_compared;
};

[[nodiscard]] WalkResult walk(Ground& ground);

}  // namespace sonde::compare
