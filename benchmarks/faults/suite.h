// Runs cases: every variant and seed in a process of its own, several at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "faults/scoring.h"

namespace sonde::faults {

struct SuiteOptions {
  std::filesystem::path digits;
  std::vector<std::uint64_t> seeds{1};
  unsigned jobs = 2;        // processes at a time
  double time_limit = 300;  // seconds a run, of wall-clock time: a busy machine must not look like a hang
  bool bare = false;
  bool every_step = false;
  bool replayed = false;  // each run with a trace file; it fails if the replay gives another report
};

// The result file of run_one, read back.
[[nodiscard]] Trial read_run(const nlohmann::json& result);

// In the order of `cases`, which must outlive the result.
[[nodiscard]] std::vector<CaseScore> run_cases(const std::vector<Case>& cases, const SuiteOptions& options);

}  // namespace sonde::faults
