#include "analysis/incidents.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace sonde::analysis {
namespace {

enum class Family { numeric, contract, output, network, harm, input, target, structure, metric };

Family family_of(Sign sign) {
  switch (sign) {
    case Sign::non_finite:
      return Family::numeric;
    case Sign::contract:
      return Family::contract;
    case Sign::output_range:
    case Sign::constant_output:
    case Sign::loss_mismatch:
      return Family::output;
    case Sign::loss_stuck:
    case Sign::loss_diverging:
    case Sign::loss_slow:
    case Sign::loss_oscillating:
    case Sign::stall:
      return Family::harm;
    case Sign::input_scale:
      return Family::input;
    case Sign::target_scale:
      return Family::target;
    case Sign::structure:
    case Sign::batch_order:
      return Family::structure;
    case Sign::over_fitting:
    case Sign::over_training:
    case Sign::metric_not_finite:
      return Family::metric;
    default:
      return Family::network;
  }
}

// States of the network that follow from an input on the wrong scale.
bool follows_from_input(Sign sign) {
  return sign == Sign::saturation || sign == Sign::dead_units || sign == Sign::exploding_activation ||
         sign == Sign::exploding_gradient || sign == Sign::large_update || sign == Sign::zero_gradient;
}

// Broken rules of the loop, and outputs, that make the network go wrong all over.
bool explains_network(const Sighting& origin) {
  if (origin.sign == Sign::constant_output) return true;
  return origin.sign == Sign::contract &&
         (origin.topic == "gradients-not-cleared" || origin.topic == "eval-while-training");
}

// Signs of a run that is blowing up.
bool grows(Sign sign) {
  return sign == Sign::loss_diverging || sign == Sign::exploding_gradient || sign == Sign::exploding_activation ||
         sign == Sign::large_update;
}

// Habits and oddities that can be all there is to it when a network learns nothing.
bool can_stop_learning(const Sighting& origin) {
  return std::ranges::any_of(origin.suspects, [](const Suspect& suspect) {
    switch (suspect.cause) {
      case Cause::missing_activation:
      case Cause::wrong_activation:
      case Cause::wrong_output_activation:
      case Cause::wrong_output_width:
      case Cause::wrong_layer_width:
      case Cause::wrong_loss:
      case Cause::loss_output_mismatch:
      case Cause::dropout_rate:
      case Cause::class_imbalance:
      case Cause::bad_initialization:
        return true;
      default:
        return false;
    }
  });
}

// How well an incident of this family explains harm to the loss; the larger the better, 0 not at all.
int explains_harm(const Incident& incident, const Run& run) {
  const bool serious = severity_of(incident, run) >= Severity::warning;
  switch (family_of(incident.origin.sign)) {
    case Family::numeric:
    case Family::network:
      return serious ? 4 : 1;
    case Family::contract:
    case Family::output:
      return serious ? 4 : 2;
    case Family::input:
    case Family::target:
      return 3;
    case Family::harm:
      return 5;
    case Family::structure:
      return serious ? 4 : can_stop_learning(incident.origin) ? 2 : 0;
    case Family::metric:
      return 0;
  }
  return 0;
}

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

}  // namespace

void IncidentBuilder::add(Sighting sighting, const Run& run) {
  const Key key{sighting.sign, sighting.site, sighting.phase, sighting.topic};
  if (const auto known = seen_.find(key); known != seen_.end()) {
    Incident& incident = incidents_[known->second];
    if (sighting.withdrawn) {
      withdraw(incident, key);
      seen_.erase(known);
      return;
    }
    incident.last_step = std::max(incident.last_step, sighting.step);
    // A sighting may grow worse: a unit layer that was partly dead is dead now.
    auto update = [&](Sighting& old) {
      if (Key{old.sign, old.site, old.phase, old.topic} != key || old.severity >= sighting.severity) return;
      old.severity = sighting.severity;
      old.message = sighting.message;
      old.suspects = sighting.suspects;
      old.pass = sighting.pass;
      old.revocable = sighting.revocable;
    };
    update(incident.origin);
    for (Sighting& follower : incident.followers) update(follower);
    return;
  }
  if (sighting.withdrawn) return;
  std::size_t home = home_of(sighting, run);
  if (home == kNone && incidents_.size() >= kLimit) home = incidents_.size() - 1;
  if (home == kNone) {
    home = incidents_.size();
    Incident incident;
    incident.last_step = sighting.step;
    incident.origin = std::move(sighting);
    incidents_.push_back(std::move(incident));
    if (incidents_.back().origin.sign == Sign::non_finite) absorb_growth(home, run);
  } else {
    fold(incidents_[home], std::move(sighting), run);
  }
  if (seen_.size() < (std::size_t{1} << 16)) seen_.emplace(key, home);
}

// What followed from a sighting that is gone stands for itself: the earliest becomes the origin.
void IncidentBuilder::withdraw(Incident& incident, const Key& key) {
  const auto is_it = [&key](const Sighting& s) { return Key{s.sign, s.site, s.phase, s.topic} == key; };
  const auto gone = std::erase_if(incident.followers, is_it);
  incident.follower_count -= std::min<std::uint64_t>(incident.follower_count, gone);
  if (!is_it(incident.origin)) return;
  if (incident.followers.empty()) {
    incident.absorbed = true;
    return;
  }
  const auto first =
      std::ranges::min_element(incident.followers, {}, [](const Sighting& s) { return std::pair(s.step, s.position); });
  incident.origin = std::move(*first);
  incident.followers.erase(first);
  incident.follower_count -= std::min<std::uint64_t>(incident.follower_count, 1);
}

std::size_t IncidentBuilder::home_of(const Sighting& sighting, const Run& run) const {
  const Family family = family_of(sighting.sign);
  const auto first_where = [this](auto&& wanted) {
    for (std::size_t i = 0; i < incidents_.size(); ++i) {
      if (!incidents_[i].absorbed && wanted(incidents_[i])) return i;
    }
    return kNone;
  };
  const bool state = family == Family::network || family == Family::harm;
  if (state || family == Family::numeric || sighting.sign == Sign::metric_not_finite) {
    const std::size_t numeric = first_where([&](const Incident& incident) {
      return incident.origin.sign == Sign::non_finite && incident.origin.step <= sighting.step;
    });
    if (numeric != kNone) return numeric;
  }
  switch (family) {
    case Family::contract:
      return first_where([&](const Incident& incident) {
        return incident.origin.sign == Sign::contract && incident.origin.topic == sighting.topic;
      });
    case Family::output:
    case Family::network: {
      const std::size_t same = first_where([&](const Incident& incident) {
        const Family other = family_of(incident.origin.sign);
        return other == family ||
               (family == Family::network && (other == Family::harm || explains_network(incident.origin)));
      });
      if (same != kNone || !follows_from_input(sighting.sign)) return same;
      return first_where([&](const Incident& incident) { return incident.origin.sign == Sign::input_scale; });
    }
    case Family::numeric:
      return kNone;
    case Family::harm: {
      std::size_t best = kNone;
      int best_rank = 0;
      for (std::size_t i = 0; i < incidents_.size(); ++i) {
        const int rank = incidents_[i].absorbed ? 0 : explains_harm(incidents_[i], run);
        if (rank > best_rank) {
          best_rank = rank;
          best = i;
        }
      }
      return best;
    }
    case Family::structure:
      if (sighting.group.empty()) return kNone;
      return first_where([&](const Incident& incident) { return incident.origin.group == sighting.group; });
    case Family::metric:  // several metrics may show the same
      return first_where([&](const Incident& incident) { return incident.origin.sign == sighting.sign; });
    case Family::input:
    case Family::target:
      return kNone;
  }
  return kNone;
}

void IncidentBuilder::absorb_growth(std::size_t numeric, const Run& run) {
  for (std::size_t i = 0; i < numeric; ++i) {
    Incident& earlier = incidents_[i];
    const Family family = family_of(earlier.origin.sign);
    const bool state = family == Family::network || family == Family::harm;
    const bool grew =
        grows(earlier.origin.sign) ||
        std::ranges::any_of(earlier.followers, [](const Sighting& follower) { return grows(follower.sign); });
    if (earlier.absorbed || !state || !grew) continue;
    incidents_[numeric].origin.context.push_back(
        fmt::format("since step {}: {}", earlier.origin.step, earlier.origin.message));
    for (Sighting& follower : earlier.followers) fold(incidents_[numeric], std::move(follower), run);
    fold(incidents_[numeric], std::move(earlier.origin), run);
    earlier.absorbed = true;
    for (auto& [key, home] : seen_) home = home == i ? numeric : home;
  }
}

void IncidentBuilder::fold(Incident& incident, Sighting sighting, const Run& run) {
  incident.last_step = std::max(incident.last_step, sighting.step);
  const Location place = run.graph().where(sighting.site, sighting.phase);
  if (!place.layer.empty()) incident.layers.insert(place.layer);
  ++incident.follower_count;
  if (sighting.sign == Sign::loss_stuck && family_of(incident.origin.sign) == Family::network &&
      severity_of(incident, run) >= Severity::warning) {
    incident.confirmed = true;
  }
  if (sighting.useless && can_stop_learning(incident.origin) && !incident.useless_since) {
    incident.useless_since = sighting.step;
  }
  const auto order = [](const Sighting& s) { return std::pair(s.step, s.position); };
  if (order(sighting) < order(incident.origin) && family_of(sighting.sign) == family_of(incident.origin.sign)) {
    std::swap(sighting, incident.origin);
  }
  if (incident.followers.size() < Incident::kKept) incident.followers.push_back(std::move(sighting));
}

Severity worst_of(const Incident& incident) {
  Severity worst = incident.origin.severity;
  for (const Sighting& follower : incident.followers) worst = std::max(worst, follower.severity);
  return worst;
}

Severity severity_of(const Incident& incident, const Run& run) {
  if (incident.absorbed) return Severity::advice;
  const auto now = [&](const Sighting& sighting) {
    if (!sighting.revocable || !run.improved_since(sighting.step)) return sighting.severity;
    const bool did_harm = incident.confirmed && family_of(sighting.sign) == Family::network;
    return did_harm ? std::min(sighting.severity, Severity::warning) : Severity::advice;
  };
  Severity worst = now(incident.origin);
  for (const Sighting& follower : incident.followers) worst = std::max(worst, now(follower));
  if (incident.useless_since && !run.improved_since(*incident.useless_since))
    worst = std::max(worst, Severity::warning);
  return worst;
}

bool taken_back(const Incident& incident, const Run& run) {
  if (incident.absorbed) return true;
  const auto over = [&](const Sighting& sighting) {
    const bool network = family_of(sighting.sign) == Family::network && !incident.confirmed;
    return (family_of(sighting.sign) == Family::harm || network) && sighting.revocable &&
           run.improved_since(sighting.step);
  };
  return over(incident.origin) && std::ranges::all_of(incident.followers, over);
}

}  // namespace sonde::analysis
