// What a comparison said, held against the truth.
#pragma once

#include <string>
#include <vector>

#include <sonde/comparison.h>
#include <nlohmann/json.hpp>

#include "compare/operations.h"
#include "compare/pairs.h"

namespace sonde::pairs {

// The layers that count as the place of a truth, and whether the operation must be right too.
struct Region {
  std::vector<std::string> layers;
  std::string operation;
};
[[nodiscard]] Region region_of(const Truth& truth, const std::vector<Operation>& reference,
                               const std::vector<Operation>& target);

struct TruthScore {
  bool located = false, cause = false;
};

enum class Group : std::uint8_t { single, two_at_once, clean, reduced_faulty, reduced_clean };
[[nodiscard]] std::string_view to_string(Group group) noexcept;

// One pair, compared.
struct Outcome {
  Group group = Group::single;
  std::string kind, architecture, reference;  // "module" or "script"
  std::uint64_t seed = 0;
  std::vector<TruthScore> truths{};
  bool repairable = false, repaired = false;
  std::size_t innocent = 0;  // visible faults at other places
  std::size_t visible = 0;
  double seconds = 0;
  std::string failure{};   // what was thrown
  std::string expected{};  // the truths, in words
  std::vector<std::string> said{};

  [[nodiscard]] bool located() const;
  [[nodiscard]] bool cause() const;
};

[[nodiscard]] bool names(const compare::Fault& fault, const Truth& truth, const Region& region);

// Fills truths, innocent, visible, expected and said.
void judge(Outcome& outcome, const compare::Result& result, const std::vector<Truth>& truths,
           const std::vector<Region>& regions);

}  // namespace sonde::pairs
