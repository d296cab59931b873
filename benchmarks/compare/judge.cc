#include "compare/judge.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sonde::pairs {
namespace {

using compare::Fault;

template <typename T>
bool contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// From one operation before the place to two behind it.
void add_window(const Truth& truth, const std::vector<Operation>& operations, std::vector<std::string>& layers) {
  for (const std::string& layer : truth.layers) {
    std::size_t first = operations.size(), place = operations.size();
    for (std::size_t i = 0; i < operations.size(); ++i) {
      if (operations[i].layer != layer) continue;
      first = std::min(first, i);
      if (place == operations.size() && operations[i].name == truth.operation) place = i;
    }
    if (first == operations.size()) continue;
    // Where it is not there, it would follow the layer.
    if (place == operations.size()) place = truth.operation.empty() ? first : first + 1;
    const std::size_t end = std::min(place + 3, operations.size());
    for (std::size_t i = place == 0 ? 0 : place - 1; i < end; ++i) {
      if (!contains(layers, operations[i].layer)) layers.push_back(operations[i].layer);
    }
  }
}

std::string describe(const Fault& fault) {
  const auto place = [](const compare::Place& p) { return fmt::format("{}:{}:{}", p.layer, p.operation, p.name); };
  return fmt::format("{}/{} at {} (reference {}) error {:.2g} floor {:.2g}{}{}: {}", to_string(fault.stage),
                     to_string(fault.cause), place(fault.target), place(fault.reference), fault.error, fault.floor,
                     fault.visible ? "" : " invisible", fault.repair.accepted ? " repair accepted" : "", fault.message);
}

}  // namespace

std::string_view to_string(Group group) noexcept {
  switch (group) {
    case Group::single:
      return "single";
    case Group::two_at_once:
      return "two_at_once";
    case Group::clean:
      return "clean";
    case Group::reduced_faulty:
      return "bf16_faulty";
    case Group::reduced_clean:
      return "bf16_clean";
  }
  return "";
}

bool Outcome::located() const {
  return !truths.empty() && std::all_of(truths.begin(), truths.end(), [](const auto& t) { return t.located; });
}

bool Outcome::cause() const {
  return !truths.empty() && std::all_of(truths.begin(), truths.end(), [](const auto& t) { return t.cause; });
}

Region region_of(const Truth& truth, const std::vector<Operation>& reference, const std::vector<Operation>& target) {
  Region region{truth.layers, truth.structural ? "" : truth.operation};
  if (truth.structural) {
    add_window(truth, reference, region.layers);
    add_window(truth, target, region.layers);
  }
  return region;
}

bool names(const Fault& fault, const Truth& truth, const Region& region) {
  if (truth.input) return fault.stage == compare::Stage::input;
  const bool right_operation = region.operation.empty() ||
                               fault.target.operation.find(region.operation) != std::string::npos ||
                               fault.reference.operation.find(region.operation) != std::string::npos;
  return right_operation && (contains(region.layers, fault.target.layer) ||
                             (fault.target.layer.empty() && contains(region.layers, fault.reference.layer)) ||
                             (truth.structural && contains(region.layers, fault.reference.layer)));
}

void judge(Outcome& outcome, const compare::Result& result, const std::vector<Truth>& truths,
           const std::vector<Region>& regions) {
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < truths.size(); ++i) {
    TruthScore score;
    for (const Fault& fault : result.faults) {
      if (!names(fault, truths[i], regions[i])) continue;
      score.located = true;
      score.cause = score.cause || contains(truths[i].causes, fault.cause);
    }
    outcome.truths.push_back(score);
    std::vector<std::string_view> causes;
    for (const compare::Cause cause : truths[i].causes) causes.push_back(to_string(cause));
    expected.push_back(
        fmt::format("{} at {} {}", fmt::join(causes, "|"), fmt::join(regions[i].layers, "|"), truths[i].operation));
  }
  outcome.expected = fmt::format("{}", fmt::join(expected, " and "));
  for (const Fault& fault : result.faults) {
    outcome.said.push_back(describe(fault));
    if (!fault.visible) continue;
    ++outcome.visible;
    bool guilty = false;
    for (std::size_t i = 0; i < truths.size(); ++i) guilty = guilty || names(fault, truths[i], regions[i]);
    outcome.innocent += guilty ? 0 : 1;
  }
}

}  // namespace sonde::pairs
