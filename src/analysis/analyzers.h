// The list of all analyzers: the one place to add a new one.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

[[nodiscard]] std::vector<std::unique_ptr<Analyzer>> make_analyzers();

// Every kind of symptom that reports of a monitor can show, once: of the analyzers, of the contracts and of the rules.
[[nodiscard]] std::vector<std::string_view> symptom_kinds();

}  // namespace sonde::analysis
