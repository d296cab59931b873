// Makes pairs and compares them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compare/judge.h"

namespace sonde::pairs {

struct SuiteOptions {
  std::vector<std::string> kinds, architectures, groups;  // empty: all
  std::uint64_t seeds = 6;
};

// Calls `each` with every pair of the suite.
void for_each_pair(const SuiteOptions& options, const std::function<void(Group, const Pair&)>& each);

// Compares, judges, repairs, and compares again.
[[nodiscard]] Outcome compare_pair(Group group, const Pair& pair);

// Whether the pair is what it claims to be, without the library: faults change the output, clean pairs do not. Empty if
// so, else why not.
[[nodiscard]] std::string check_pair(const Pair& pair);

}  // namespace sonde::pairs
