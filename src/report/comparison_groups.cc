#include "report/comparison_groups.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "report/text.h"

namespace sonde::report {
namespace {

using compare::Fault;
using compare::Place;
using compare::Result;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What a message says when its numbers are left out.
std::string without_numbers(const std::string& message) {
  std::string pattern;
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (!is_digit(message[i])) {
      pattern += message[i];
      continue;
    }
    pattern += '#';
    const auto in_number = [&](std::size_t k) {
      const char c = k < message.size() ? message[k] : ' ';
      const bool before_digit = k + 1 < message.size() && is_digit(message[k + 1]);
      const bool exponent =
          c == 'e' && k + 1 < message.size() && (before_digit || message[k + 1] == '-' || message[k + 1] == '+');
      return is_digit(c) || exponent || ((c == '.' || c == '-' || c == '+') && before_digit);
    };
    while (in_number(i + 1)) ++i;
  }
  return pattern;
}

// "running_mean" of "layer1.0.bn1.running_mean".
std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// An argument's value is what matters of it; of a tensor its numbers are its own.
auto key_of(const Fault& fault) {
  const bool of_tensor = fault.stage == compare::Stage::parameters;
  return std::tuple(!fault.visible, fault.stage, fault.cause, fault.target.operation, last_part(fault.target.name),
                    of_tensor ? without_numbers(fault.message) : fault.message, fault.repair.tried,
                    fault.repair.accepted);
}

bool is_empty(const Place& place) {
  return place.layer.empty() && place.operation.empty() && place.name.empty() && place.index < 0;
}

std::string name_in(const Fault& fault, const Place& place) {
  if (fault.stage == compare::Stage::parameters && !place.name.empty()) {
    const bool whole = place.layer.empty() || place.name == place.layer || place.name.starts_with(place.layer + ".");
    return clean(whole ? place.name : place.layer + "." + place.name);
  }
  if (!place.layer.empty()) return clean(place.layer);
  if (place.index >= 0) return "operation " + std::to_string(place.index);
  return place.name.empty() ? "the model" : clean(place.name);
}

}  // namespace

std::string name_of(const Fault& fault) {
  return is_empty(fault.target) && !is_empty(fault.reference) ? name_in(fault, fault.reference)
                                                              : name_in(fault, fault.target);
}

std::string place_of(const Fault& fault) {
  const bool of_reference = is_empty(fault.target) && !is_empty(fault.reference);
  const Place& place = of_reference ? fault.reference : fault.target;
  std::string text = name_in(fault, place);
  if (!place.operation.empty()) text += " (" + clean(place.operation) + ")";
  return of_reference ? text + " of the reference" : text;
}

std::vector<FaultGroup> groups_of(const Result& result) {
  std::vector<FaultGroup> groups;
  std::map<decltype(key_of(std::declval<const Fault&>())), std::size_t> known;
  for (std::size_t i = 0; i < result.faults.size(); ++i) {
    const auto [entry, fresh] = known.try_emplace(key_of(result.faults[i]), groups.size());
    if (fresh) groups.emplace_back();
    groups[entry->second].push_back(i);
  }
  std::stable_partition(groups.begin(), groups.end(),
                        [&](const FaultGroup& group) { return result.faults[group.front()].visible; });
  if (result.first_divergence >= 0) {
    const auto first = static_cast<std::size_t>(result.first_divergence);
    for (auto group = groups.begin(); group != groups.end(); ++group) {
      const auto place = std::ranges::find(*group, first);
      if (place == group->end()) continue;
      std::rotate(group->begin(), place, place + 1);
      std::rotate(groups.begin(), group, group + 1);
      break;
    }
  }
  return groups;
}

}  // namespace sonde::report
