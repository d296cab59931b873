// One run of one variant in this process, watched by a monitor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "faults/case.h"

namespace sonde::faults {

struct RunOne {
  std::filesystem::path file;    // the case
  std::filesystem::path digits;  // the digits' data
  std::filesystem::path output;  // where the result goes, as JSON
  bool patched = false;
  bool bare = false;        // without a monitor
  bool every_step = false;  // Options::every_step
  bool replayed = false;    // with a trace file, whose replay must give the report of the run
  std::uint64_t seed = 1;
  int threads = 1;
};

// Trains and writes the result. Throws what stands in the way; what the program throws is part of the result.
void run_one(const RunOne& request);

}  // namespace sonde::faults
