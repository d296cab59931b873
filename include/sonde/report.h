// The report: a snapshot of everything a monitor knows, and its writers.
//
// A Report is a plain struct. It owns all its data, holds nothing of the monitor, the model or LibTorch, and may be
// copied, stored and read from any thread. Context comes first, then findings, then what was not checked and why, then
// drops and cost.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include <sonde/finding.h>

namespace spdlog {
class logger;
}

namespace sonde {

// Something that was not looked at, and why: "encoder.emb.weight: sparse gradient".
struct NotObserved {
  std::string what;
  std::string reason;
  std::uint64_t count = 0;  // how often
};

// What the training program is, as far as it was seen.
struct RunContext {
  std::string monitor;        // Options::name
  std::string sonde_version;  // of this library
  std::string torch_version;  // of the LibTorch it runs with
  std::string device;         // "cpu", "cuda:0" ...
  std::string optimizer;      // "Adam lr 0.001"
  std::string loss;           // "cross_entropy_loss, mean" as inferred from the operations
  std::string task;           // "multiclass", "regression" ... as inferred, empty if unknown
  std::string task_reason;    // why
  std::uint64_t layers = 0;
  std::uint64_t parameters = 0;      // number of elements
  std::uint64_t steps = 0;           // weight updates seen
  std::uint64_t observed_steps = 0;  // of these, with every operation observed
  double first_loss = 0;             // NaN if no loss was seen
  double last_loss = 0;
};

// What watching cost. Seconds of wall-clock time on the training thread.
struct Cost {
  double step_seconds = 0;     // all time between the first and the last step
  double monitor_seconds = 0;  // of it, inside the monitor
  std::uint64_t records = 0;   // pushed to the analysis
  std::uint64_t dropped = 0;   // lost because the ring was full

  [[nodiscard]] double share() const noexcept { return step_seconds > 0 ? monitor_seconds / step_seconds : 0; }
};

struct Report {
  RunContext context;
  std::vector<Finding> findings;  // errors first, then warnings, then advice; in each by step
  std::vector<NotObserved> not_observed;
  Cost cost;

  // The number of findings of severity `at_least` or above.
  [[nodiscard]] std::size_t count(Severity at_least) const noexcept;

  // Writes the report as text for people. Without findings of severity warning or above it is one line.
  void print() const;  // to std::cerr
  void print(std::ostream& out) const;
  void print(spdlog::logger& logger) const;  // one log call a finding, at the level of its severity

  // One JSON document; the schema has a version number and is described in docs/report-format.md.
  [[nodiscard]] std::string to_json() const;
  // JSON Lines: a line of context, a line for each finding, a line for the rest. Ends in a newline.
  [[nodiscard]] std::string to_json_lines() const;
};

}  // namespace sonde
