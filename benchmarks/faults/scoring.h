// Holds what the monitor said against the ground truth. The rules are in README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults/case.h"
#include "faults/findings.h"

namespace sonde::faults {

enum class Variant { healthy, buggy, patched };
[[nodiscard]] std::string_view to_string(Variant variant) noexcept;

// One run of one variant with one seed.
struct Trial {
  Variant variant = Variant::healthy;
  std::uint64_t seed = 1;
  std::string failure;     // the run gave no result: timed out, crashed
  std::string refused;     // what the monitor threw when it was attached
  std::string stopped_by;  // what the program threw
  std::int64_t steps = 0;
  double first_loss = 0, last_loss = 0, score = 0;
  double seconds = 0;
  std::vector<Seen> findings;
  nlohmann::json report;
};

struct FaultScore {
  bool localised = false, explained = false;
  [[nodiscard]] bool found() const noexcept { return localised || explained; }
};

// Everything about one case over all its runs. Where seeds differ, the worst counts.
struct CaseScore {
  const Case* of = nullptr;
  std::vector<Trial> runs;
  bool identified = false;           // buggy: anything of severity warning or above
  std::vector<FaultScore> faults;    // buggy: in the order of the case's faults
  std::optional<std::int64_t> step;  // buggy: the latest first step, over the seeds, at which a warning arose
  bool false_alarm = false;          // patched, healthy
  std::size_t advice = 0;            // patched, healthy: the most findings of severity advice
};

// Whether `place` is where the ground truth points in this model.
[[nodiscard]] bool names(const Place& place, const Where& where, const std::vector<LayerSpec>& model);

[[nodiscard]] FaultScore score_fault(const Fault& fault, const std::vector<Seen>& findings,
                                     const std::vector<LayerSpec>& model);

[[nodiscard]] CaseScore score_case(const Case& of, std::vector<Trial> runs);

// Sums over cases.
struct Totals {
  std::int64_t cases = 0;                                            // all, scored or not
  std::int64_t identified = 0, programs = 0;                         // scored buggy programs
  std::int64_t localised = 0, explained = 0, found = 0, faults = 0;  // scored faults of scored programs
  std::int64_t false_alarms = 0, quiet_wanted = 0;                   // scored patched and healthy programs
  double advice_median = 0;                                          // over the patched and healthy programs
};

[[nodiscard]] Totals add_up(const std::vector<const CaseScore*>& scores);

}  // namespace sonde::faults
