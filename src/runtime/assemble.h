// From what the analysis and the catalog know to a Report. A function of its arguments: live runs and replays share it.
#pragma once

#include <vector>

#include <sonde/finding.h>
#include <sonde/options.h>
#include <sonde/report.h>

#include "analysis/engine.h"
#include "trace/catalog.h"
#include "trace/trace_file.h"

namespace sonde::runtime {

// What the session of these options is told.
[[nodiscard]] trace::RunFacts run_facts(const Options& options);

// Fills everything but cost.records and cost.dropped. Findings stay in the order given.
[[nodiscard]] Report assemble(const trace::RunFacts& run, const trace::Catalog& catalog, std::vector<Finding> findings,
                              const analysis::RunTotals& totals);

}  // namespace sonde::runtime
