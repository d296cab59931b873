// The analysis: a function of the record stream. Knows nothing of threads or LibTorch.
//
// Engine is the facade: records in (any number at a time, in the order pushed), findings out. The same records and
// catalog give the same findings. Not thread-safe: one caller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "analysis/own_analyzers.h"
#include "rules/registry.h"
#include "trace/catalog.h"
#include "trace/record.h"

#include <sonde/finding.h>
#include <sonde/report.h>

namespace sonde::analysis {

struct RunTotals {
  std::uint64_t steps = 0;
  std::uint64_t observed_steps = 0;
  double first_loss = 0, last_loss = 0;  // NaN if none
  std::string task, task_reason;         // as inferred on the last observed step that the rules looked at
  std::uint64_t step_nanoseconds = 0;
  std::uint64_t monitor_nanoseconds = 0;
  std::uint64_t skipped = 0;  // steps whose update was not applied (OnFault::skip or abort)
  std::uint64_t first_skipped = 0;
  std::vector<MetricSummary> metrics;  // by site
};

class Engine {
 public:
  explicit Engine(const trace::Catalog& catalog, rules::RuleChoice rules = {}, OwnAnalyzerChoice own = {});
  ~Engine();

  void consume(std::span<const trace::Record> records);

  // How many records of the run have been pushed up to the last one consumed. Dates of the catalog are compared with the
  // records' numbers, which wrap around: a run is analysed from record 0 on, if no other begin is told before the first.
  [[nodiscard]] std::uint64_t position() const noexcept;
  void begin_at(std::uint64_t number);

  // Incidents with their causes ranked by what is known now. May be called at any time, any number of times.
  [[nodiscard]] std::vector<Finding> findings() const;
  [[nodiscard]] RunTotals totals() const;
  [[nodiscard]] std::size_t incidents() const noexcept;  // so far, also those that findings() passes over
  // Numbers of the incidents that are new, or have become worse, since the last call, and what is known of them.
  [[nodiscard]] std::vector<std::size_t> take_news();
  [[nodiscard]] std::vector<Finding> findings(std::span<const std::size_t> incidents) const;

  // True once an incident of severity error is open. Under Options::abort the guard reads it.
  [[nodiscard]] bool broken() const noexcept;
  // True while something looks wrong but is not yet certain: the probe then observes more steps.
  [[nodiscard]] bool suspicious() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde::analysis
