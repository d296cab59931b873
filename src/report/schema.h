// What names the JSON documents of reports: written by the writer, asked for by the reader.
#pragma once

#include <cstdint>

namespace sonde::report {

inline constexpr const char* kSchemaName = "sonde-report";
inline constexpr std::uint64_t kSchemaVersion = 1;  // docs/report.schema.json has the same number

inline constexpr const char* kComparisonSchemaName = "sonde-comparison";
inline constexpr std::uint64_t kComparisonSchemaVersion = 1;  // docs/comparison.schema.json has the same number

}  // namespace sonde::report
