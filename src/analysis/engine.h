// The analysis: a function of the record stream. Knows nothing of threads or LibTorch.
//
// Engine is the facade: records in (any number at a time, in the order pushed), findings out. The same records and
// catalog give the same findings. Not thread-safe: one caller at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rules/registry.h"
#include "trace/catalog.h"
#include "trace/record.h"

#include <sonde/finding.h>

namespace sonde::analysis {

struct RunTotals {
  std::uint64_t steps = 0;
  std::uint64_t observed_steps = 0;
  double first_loss = 0, last_loss = 0;  // NaN if none
  std::string task, task_reason;         // as inferred on the last observed step that the rules looked at
  std::uint64_t step_nanoseconds = 0;
  std::uint64_t monitor_nanoseconds = 0;
};

class Engine {
 public:
  explicit Engine(const trace::Catalog& catalog, rules::RuleChoice rules = {});
  ~Engine();

  void consume(std::span<const trace::Record> records);

  // Incidents with their causes ranked by what is known now. May be called at any time, any number of times.
  [[nodiscard]] std::vector<Finding> findings() const;
  [[nodiscard]] RunTotals totals() const;

  // True once an incident of severity error is open. Under Options::abort the guard reads it.
  [[nodiscard]] bool broken() const noexcept;
  // True while something looks wrong but is not yet certain: the probe then observes more steps.
  [[nodiscard]] bool suspicious() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sonde::analysis
