// The list of all analyzers: the one place to add a new one.
#pragma once

#include <memory>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

[[nodiscard]] std::vector<std::unique_ptr<Analyzer>> make_analyzers();

}  // namespace sonde::analysis
