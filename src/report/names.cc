#include "report/names.h"

namespace sonde::report {
namespace {

template <typename Enum>
std::optional<Enum> named(std::string_view name, Enum last) noexcept {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (to_string(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Severity> severity_named(std::string_view name) noexcept { return named(name, Severity::error); }
std::optional<Phase> phase_named(std::string_view name) noexcept { return named(name, Phase::update); }
std::optional<Cause> cause_named(std::string_view name) noexcept { return named(name, Cause::unknown); }
std::optional<Better> better_named(std::string_view name) noexcept { return named(name, Better::higher); }
std::optional<Split> split_named(std::string_view name) noexcept { return named(name, Split::validation); }

std::string_view to_string(Better better) noexcept {
  return better == Better::inferred ? "" : better == Better::lower ? "lower" : "higher";
}

std::string_view to_string(Split split) noexcept {
  return split == Split::inferred ? "" : split == Split::training ? "training" : "validation";
}

}  // namespace sonde::report
