// Runs a program with a time limit.
#pragma once

#include <string>
#include <vector>

namespace sonde::faults {

struct ProcessEnd {
  bool timed_out = false;
  int exit_code = 0;  // -1 if a signal ended it
  int signal = 0;
  double seconds = 0;

  [[nodiscard]] bool ok() const noexcept { return !timed_out && exit_code == 0; }
  [[nodiscard]] std::string to_text() const;
};

// Starts `arguments` (the first is the program) with both outputs going to the file `log`, waits at most `limit`
// seconds and kills it then. Throws std::system_error if it cannot be started. May be called from several threads.
[[nodiscard]] ProcessEnd run_process(const std::vector<std::string>& arguments, const std::string& log, double limit);

}  // namespace sonde::faults
