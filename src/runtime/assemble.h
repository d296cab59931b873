// From what the analysis and the catalog know to a Report. A function of its arguments: live runs and replays share it.
#pragma once

#include <string>
#include <vector>

#include <sonde/finding.h>
#include <sonde/report.h>

#include "analysis/engine.h"
#include "trace/catalog.h"

namespace sonde::runtime {

// Fills everything but cost.records and cost.dropped. Findings stay in the order given.
[[nodiscard]] Report assemble(std::string name, const trace::Catalog& catalog, std::vector<Finding> findings,
                              const analysis::RunTotals& totals);

}  // namespace sonde::runtime
