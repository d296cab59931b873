// Analyzer: the one interface of all checks, and the sightings they report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sonde/finding.h>

#include "analysis/run.h"
#include "analysis/step.h"
#include "rules/numbers.h"

namespace sonde::analysis {

// What can be seen. name_of() gives the stable name used in reports; docs/checks.md explains each.
enum class Sign : std::uint8_t {
  non_finite,
  contract,
  zero_gradient,
  vanishing_gradient,
  exploding_gradient,
  exploding_activation,
  saturation,
  dead_units,
  identical_units,
  large_update,
  small_update,
  loss_stuck,
  loss_diverging,
  loss_slow,
  loss_oscillating,
  input_scale,
  target_scale,
  output_range,
  constant_output,
  loss_mismatch,
  structure,
  batch_order,
  over_fitting,
  over_training,
  stall,
  metric_not_finite,
};
inline constexpr Sign kLastSign = Sign::metric_not_finite;
[[nodiscard]] std::string_view name_of(Sign sign) noexcept;

// A cause as one sighting sees it.
struct Suspect {
  Cause cause = Cause::unknown;
  double confidence = 0;  // as this sighting alone gives it
  std::uint32_t site = 0;
  std::string part;  // in place of a site: "data", "labels", "loss", "optimizer", "loop", "metric" or "model"
  std::string evidence;
  std::string fix = {};  // in place of the usual words for the cause
};

// One symptom as an analyzer saw it, with what it may mean. A sighting is reported once for each (sign, site, phase);
// seeing it again only moves the incident's last step.
struct Sighting {
  Sign sign = Sign::structure;
  Severity severity = Severity::advice;
  std::string topic;  // tells sightings of one sign apart: which contract, which mismatch
  std::uint32_t site = 0;
  std::string part;  // overrides the site's place: "data", "loss", "optimizer" ...
  Phase phase = Phase::forward;
  std::uint64_t step = 0;
  std::uint32_t position = 0;  // in the data flow; 0 for what concerns the whole program
  std::string message;
  std::vector<std::string> context;
  std::vector<Suspect> suspects;
  // The harm is inferred from a state of the network, not certain: taken back to advice if the loss improves after all.
  bool revocable = false;
  // Of harm to the loss: the network does no better than an answer that ignores the input.
  bool useless = false;
  std::uint64_t pass = 0;  // when it was seen, for that judgement
  // What was seen before under the same sign, site, phase and topic has been disproved.
  bool withdrawn = false;
  // What the rules say (rule_analyzer.h): sightings of one group are one incident; which symptoms of a run it explains
  // (sonde::Explains).
  std::string group = {};
  unsigned explains = 0;
};

class Analyzer {
 public:
  virtual ~Analyzer() = default;
  // Called at the end of every pass, after `run` has taken it in. Appends what is seen, new or again.
  virtual void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) = 0;
};

using rules::number;
using rules::percent;

}  // namespace sonde::analysis
