#include <sonde/options.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <sonde/analyzer.h>
#include <sonde/rules.h>

#include "rules/registry.h"

namespace sonde {
namespace {

template <typename T>
void require(bool holds, std::string_view field, const T& value, std::string_view wanted) {
  if (!holds) throw std::invalid_argument(fmt::format("sonde::Options::{} is {}, wanted {}", field, value, wanted));
}

}  // namespace

void Options::validate() const {
  require(on_fault <= OnFault::abort, "on_fault", static_cast<int>(on_fault), "report, skip or abort");
  require(overhead > 0 && overhead <= 1, "overhead", overhead, "a share in (0, 1]");
  require(first_steps >= 1, "first_steps", first_steps, "at least 1");
  require(max_blind_steps >= 1, "max_blind_steps", max_blind_steps, "at least 1");
  require(ring_capacity >= 256 && ring_capacity <= (std::size_t{1} << 24), "ring_capacity", ring_capacity,
          "records in [256, 16777216]");
  require(trace_records >= 1024 && trace_records <= (std::size_t{1} << 24), "trace_records", trace_records,
          "records in [1024, 16777216]");
  constexpr std::string_view kTasks[] = {"",           "multiclass",  "binary",  "multilabel",
                                         "regression", "autoencoder", "sequence"};
  require(std::ranges::find(kTasks, task) != std::end(kTasks), "task", task,
          "multiclass, binary, multilabel, regression, autoencoder, sequence or nothing");
  for (const std::string& name : rules_off) {
    require(rules::is_rule(name) ||
                std::ranges::any_of(own_rules, [&](const auto& own) { return own != nullptr && own->name() == name; }),
            "rules_off", name, "names of rules");
  }
  std::set<std::string_view> names;
  for (const auto& analyzer : own_analyzers) {
    require(analyzer != nullptr, "own_analyzers", "a null pointer", "analyzers");
    const std::string_view name = analyzer->name();
    require(!name.empty() && !rules::is_rule(name) && names.insert(name).second, "own_analyzers",
            fmt::format("an analyzer named '{}'", name), "a name for each, once, and none of a rule");
  }
}

}  // namespace sonde
