// Incidents: many sightings, few incidents. What follows from an earlier sighting is folded into its incident.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

struct Incident {
  Sighting origin;                  // the earliest in (step, position in the data flow)
  std::vector<Sighting> followers;  // at most kKept, in the order they came
  std::uint64_t follower_count = 0;
  std::set<std::string> layers;  // of the followers
  std::uint64_t last_step = 0;
  // The loss stood still for long while the network was in this state: harm was done, whatever the loss does later.
  bool confirmed = false;
  // The network does no better than a constant answer, since this step, and the origin can be why.
  std::optional<std::uint64_t> useless_since;
  // By the incident of the non-finite values that it ended in, or disproved; no longer one of its own.
  bool absorbed = false;

  static constexpr std::size_t kKept = 32;
};

// Sorts sightings into incidents. Rules, in order:
//   1. a sighting that was seen before only moves its incident's last step, one that was disproved leaves it;
//   2. after non-finite values appeared, all that is seen of the network and the loss follows from them, and what had
//      been growing before belongs to them;
//   3. sightings of one family are one incident: the state of the network; its output and loss; one contract; what several
//      metrics show alike; ...
//   4. what the network does wrong follows from a scale of the input that was seen before, and harm to the loss from
//      the earliest incident that can explain it.
class IncidentBuilder {
 public:
  static constexpr std::size_t kLimit = 64;  // incidents; more are counted as followers of the last

  void add(Sighting sighting, const Run& run);

  [[nodiscard]] const std::vector<Incident>& incidents() const noexcept { return incidents_; }

 private:
  using Key = std::tuple<Sign, std::uint32_t, Phase, std::string>;

  [[nodiscard]] std::size_t home_of(const Sighting& sighting, const Run& run) const;
  void fold(Incident& incident, Sighting sighting, const Run& run);
  void withdraw(Incident& incident, const Key& key);
  void absorb_growth(std::size_t numeric, const Run& run);

  std::vector<Incident> incidents_;
  std::map<Key, std::size_t> seen_;  // which incident a sighting belongs to
};

// The worst severity of its sightings, each as it was when seen: no less than severity_of(), but for Incident::useless_since.
[[nodiscard]] Severity worst_of(const Incident& incident);
// The severity an incident has in the light of what is known now: sightings that are revocable no longer count when the
// loss has improved since.
[[nodiscard]] Severity severity_of(const Incident& incident, const Run& run);
// True if nothing is left of the incident: it was a state that might have hurt, and the loss has improved since.
[[nodiscard]] bool taken_back(const Incident& incident, const Run& run);

}  // namespace sonde::analysis
