// The subcommands of `sonde`. Each adds itself to the application, runs as its callback and says how it ended.
//
// Exit codes: 0 fine; 1 there is something to see (findings for `check`, a difference for `diff`, faults for `compare`); 2 wrong usage, or a file
// that cannot be read or written. What went wrong is thrown as std::runtime_error; main() prints it.
#pragma once

#include <CLI/CLI.hpp>

namespace sonde::command {

inline constexpr int kFine = 0;
inline constexpr int kSeen = 1;
inline constexpr int kTrouble = 2;

// `status` gets the exit code when the subcommand runs, and must outlive the application.
void add_report(CLI::App& app, int& status);
void add_watch(CLI::App& app, int& status);
void add_diff(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_compare(CLI::App& app, int& status);

}  // namespace sonde::command
