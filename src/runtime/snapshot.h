// A report as the bytes that a trace file keeps of it (docs/trace-format.md).
#pragma once

#include <optional>
#include <span>
#include <string>

#include <sonde/report.h>

namespace sonde::runtime {

[[nodiscard]] std::string encode(const Report& report);
// Nothing if the bytes are no report.
[[nodiscard]] std::optional<Report> decode_report(std::span<const char> bytes);

}  // namespace sonde::runtime
