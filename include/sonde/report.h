// The report: a snapshot of everything a monitor knows, and its writers.
//
// A Report is a plain struct. It owns all its data, holds nothing of the monitor, the model or LibTorch, and may be
// copied, stored and read from any thread. Context comes first, then findings, then what was not checked and why, then
// drops and cost.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/finding.h>
#include <sonde/metric.h>
#include <sonde/timeline.h>

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

// The course of a number that the program gave with Monitor::metric().
struct MetricSummary {
  std::string name;
  Better better = Better::inferred;  // inferred: not known
  Split split = Split::inferred;     // inferred: not known
  std::uint64_t count = 0;           // how often it was given
  double first = 0;
  double best = 0;  // of the finite ones; NaN if there is none, or not known what is better
  std::uint64_t best_step = 0;
  double last = 0;
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
  std::vector<MetricSummary> metrics = {};  // in the order in which they were first given
};

// What watching cost. Seconds of wall-clock time on the training thread.
struct Cost {
  double step_seconds = 0;     // all time between the first and the last step
  double monitor_seconds = 0;  // of it, for watching: inside the monitor, and what observed steps take longer besides
  std::uint64_t records = 0;   // pushed to the analysis
  std::uint64_t dropped = 0;   // lost because the ring was full

  [[nodiscard]] double share() const noexcept { return step_seconds > 0 ? monitor_seconds / step_seconds : 0; }
};

struct Report {
  RunContext context;
  std::vector<Finding> findings;  // errors first, then warnings, then advice; in each by step
  std::vector<NotObserved> not_observed;
  Cost cost;
  Timeline timeline;  // what was measured over the steps; in HTML only

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

  // One self-contained HTML page: findings, a map of layers by steps, series, loss, context, cost. Needs no network; the
  // text is there without scripts too. 0.1 MB and the measurements, about 7 MB for 10 000 layers. Described in
  // docs/report-format.md.
  [[nodiscard]] std::string to_html() const;
  // The same to a file of any name, as save() writes it.
  void html(const std::string& path) const;

  // SARIF 2.1.0, for editors and code scanning: a result for each finding, on the line of the user's program that it names.
  // Source files below the directory `source_root` (an absolute path; empty for none) are named relative to it, which code
  // scanning needs to find them in a repository; others keep the path the compiler was given. docs/report-format.md.
  [[nodiscard]] std::string to_sarif(std::string_view source_root = {}) const;

  // Writes the report to a file, in the format that its name ends in: .txt (as print()), .json, .jsonl, .sarif or .html. The file
  // is there in full or not at all: it is written beside its place and renamed. Throws ReportError, naming the file, if the
  // name ends in nothing known or the file cannot be written.
  void save(const std::string& path) const;
};

// What is wrong with a report that should be read or written, and where.
class ReportError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads what Report::to_json() wrote; to_json() of the result is the same text. Passes over fields it does not know, and
// reads null for a number as NaN. Throws ReportError with the path of the field, what was got and what is wanted, if `json`
// is none, is no report, or is one of another version of the schema. Safe with any input, and from any thread.
[[nodiscard]] Report report_from_json(std::string_view json);

}  // namespace sonde
