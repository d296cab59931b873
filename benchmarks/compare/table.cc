#include "compare/table.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

namespace sonde::pairs {
namespace {

// Sums over outcomes. Two faults at once count in `located` and `cause` once for each pair.
struct Totals {
  std::size_t pairs = 0, located = 0, cause = 0, repairable = 0, repaired = 0, innocent = 0, alarms = 0;
  double seconds = 0;

  void add(const Outcome& outcome) {
    ++pairs;
    located += outcome.located() ? 1 : 0;
    cause += outcome.cause() ? 1 : 0;
    repairable += outcome.repairable ? 1 : 0;
    repaired += outcome.repaired ? 1 : 0;
    innocent += outcome.innocent;
    alarms += outcome.visible > 0 || !outcome.failure.empty() ? 1 : 0;
    seconds += outcome.seconds;
  }
};

bool clean(const Outcome& outcome) { return outcome.group == Group::clean || outcome.group == Group::reduced_clean; }

Totals total(const std::vector<Outcome>& outcomes, Group group) {
  Totals sum;
  for (const Outcome& outcome : outcomes) {
    if (outcome.group == group) sum.add(outcome);
  }
  return sum;
}

bool went_wrong(const Outcome& outcome) {
  if (!outcome.failure.empty()) return true;
  if (clean(outcome)) return outcome.visible > 0;
  return !outcome.located() || !outcome.cause() || outcome.innocent > 0 || outcome.repaired < outcome.repairable;
}

}  // namespace

void print_table(std::ostream& out, const std::vector<Outcome>& outcomes) {
  std::map<std::pair<Group, std::string>, Totals> rows;
  for (const Outcome& outcome : outcomes) {
    const std::string name = outcome.group == Group::two_at_once ? "(all)" : outcome.kind;
    rows[{outcome.group, name}].add(outcome);
  }
  fmt::print(out, "{:<12} {:<26} {:>6} {:>8} {:>6} {:>9} {:>9} {:>8}\n", "group", "kind", "pairs", "located", "cause",
             "repaired", "innocent", "seconds");
  for (const auto& [key, row] : rows) {
    const auto& [group, kind] = key;
    if (group == Group::clean || group == Group::reduced_clean) {
      fmt::print(out, "{:<12} {:<26} {:>6} {:>35} {:>8.2f}\n", to_string(group), kind, row.pairs,
                 fmt::format("alarms {}", row.alarms), row.seconds);
      continue;
    }
    const std::string repaired = row.repairable == 0 ? "-" : fmt::format("{}/{}", row.repaired, row.repairable);
    fmt::print(out, "{:<12} {:<26} {:>6} {:>8} {:>6} {:>9} {:>9} {:>8.2f}\n", to_string(group), kind, row.pairs,
               row.located, row.cause, repaired, row.innocent, row.seconds);
  }
}

void print_failure(std::ostream& out, const Outcome& outcome) {
  if (!went_wrong(outcome)) return;
  fmt::print(out, "\n{} {} {} seed {} ({}): {}{}{}{}\n", to_string(outcome.group), outcome.kind, outcome.architecture,
             outcome.seed, outcome.reference,
             clean(outcome)      ? "alarm"
             : outcome.located() ? ""
                                 : "not located ",
             !clean(outcome) && !outcome.cause() ? "cause wrong " : "",
             outcome.repaired < outcome.repairable ? "not repaired " : "",
             outcome.innocent > 0 && !clean(outcome) ? fmt::format("{} innocent", outcome.innocent) : "");
  if (!outcome.expected.empty()) fmt::print(out, "  expected {}\n", outcome.expected);
  if (!outcome.failure.empty()) fmt::print(out, "  threw {}\n", outcome.failure);
  for (const std::string& said : outcome.said) fmt::print(out, "  said {}\n", said);
}

std::string summary_line(const std::vector<Outcome>& outcomes) {
  const Totals single = total(outcomes, Group::single), two = total(outcomes, Group::two_at_once),
               clean = total(outcomes, Group::clean), faulty = total(outcomes, Group::reduced_faulty),
               reduced = total(outcomes, Group::reduced_clean);
  return fmt::format(
      "compare: faults={} located={}/{} cause={}/{} repaired={}/{} two_at_once={}/{} false_alarms={}/{} bf16={}/{}",
      single.pairs, single.located, single.pairs, single.cause, single.pairs, single.repaired, single.repairable,
      two.located, two.pairs, clean.alarms + reduced.alarms, clean.pairs + reduced.pairs, faulty.located, faulty.pairs);
}

nlohmann::json to_json(const std::vector<Outcome>& outcomes) {
  nlohmann::json pairs = nlohmann::json::array();
  for (const Outcome& o : outcomes) {
    pairs.push_back({{"group", to_string(o.group)},
                     {"kind", o.kind},
                     {"architecture", o.architecture},
                     {"reference", o.reference},
                     {"seed", o.seed},
                     {"located", o.located()},
                     {"cause", o.cause()},
                     {"repairable", o.repairable},
                     {"repaired", o.repaired},
                     {"innocent", o.innocent},
                     {"visible", o.visible},
                     {"seconds", o.seconds},
                     {"failure", o.failure},
                     {"expected", o.expected},
                     {"said", o.said}});
  }
  return {{"summary", summary_line(outcomes)}, {"pairs", pairs}};
}

}  // namespace sonde::pairs
