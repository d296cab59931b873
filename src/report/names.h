// The spelling used in reports, and from it back to the enumerator.
#pragma once

#include <optional>
#include <string_view>

#include <sonde/finding.h>
#include <sonde/metric.h>

namespace sonde::report {

// nullopt if there is none of that name.
[[nodiscard]] std::optional<Severity> severity_named(std::string_view name) noexcept;
[[nodiscard]] std::optional<Phase> phase_named(std::string_view name) noexcept;
[[nodiscard]] std::optional<Cause> cause_named(std::string_view name) noexcept;
[[nodiscard]] std::optional<Better> better_named(std::string_view name) noexcept;
[[nodiscard]] std::optional<Split> split_named(std::string_view name) noexcept;

// "lower", "training" ...; empty for inferred, which in a report says that it is not known.
[[nodiscard]] std::string_view to_string(Better better) noexcept;
[[nodiscard]] std::string_view to_string(Split split) noexcept;

}  // namespace sonde::report
