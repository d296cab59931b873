// Diagnosis: from an incident to a finding, with causes ranked and a fix for each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <sonde/finding.h>

#include "analysis/incidents.h"
#include "analysis/run.h"

namespace sonde::analysis {

// Suspects of all sightings of the incident are gathered by cause: independent sightings of one cause strengthen each
// other (1 - product of doubts, at most 0.98), the place is the one with the most confidence, the evidence is joined.
// Source lines are taken from the catalog as it is now: they are resolved late, when a report is made.
// `habits` are what rules found before: those that explain what the incident shows are suspects too.
[[nodiscard]] Finding explain(const Incident& incident, const Run& run, const trace::Catalog& catalog,
                              std::span<const Sighting> habits);

// What to change, in words a user can act on, whatever the run.
[[nodiscard]] std::string_view usual_fix(Cause cause);

// The same with what is known of this run. `place` is the name of the layer blamed, or empty.
[[nodiscard]] std::string fix_for(Cause cause, const std::string& place, const Run& run);

}  // namespace sonde::analysis
