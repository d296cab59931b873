// From a trace to the report of its run. A function of its arguments: needs no LibTorch, no thread and no clock.
#pragma once

#include <memory>
#include <vector>

#include <sonde/report.h>
#include <sonde/rules.h>

#include "trace/trace_file.h"

namespace sonde::runtime {

// Of a whole trace, the report that the run itself gave when it ended, byte for byte as JSON. If older records were
// overwritten: the last report that the run kept, and what the records after it show beyond that. What the trace does
// not hold is in Report::not_observed. `own_rules` are those of the run's options, if whoever replays has them.
// Thread-safety: any thread.
[[nodiscard]] Report replay(const trace::Trace& trace, const std::vector<std::shared_ptr<const Rule>>& own_rules = {});

}  // namespace sonde::runtime
