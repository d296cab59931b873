#include "monitor/governor.h"

#include <algorithm>

namespace sonde::monitor {
namespace {

constexpr double kSuspicionFactor = 8;  // a suspicion is worth so many times the allowed cost
constexpr double kSmoothing = 0.25;

}  // namespace

bool Governor::observe_next(const Step& step, bool suspicious) {
  ++steps_;
  const auto cost = static_cast<double>(step.monitor_ns);
  const auto bare = static_cast<double>(step.total_ns) - cost;
  if (step.observed) full_cost_ns_ += (cost - full_cost_ns_) * (full_cost_ns_ == 0 ? 1 : kSmoothing);
  blind_ = step.observed ? 0 : blind_ + 1;
  if (options_.every_step) return true;
  // What the first steps cost is not held against the later ones.
  if (steps_ < options_.first_steps) return true;
  if (insisted_ > 0) return --insisted_, true;
  saved_ns_ += std::max(0.0, bare) * options_.overhead * (suspicious ? kSuspicionFactor : 1) -
               (steps_ > options_.first_steps ? cost : 0);
  // A debt of one observation at most: after a pause in training (validation) or a slow spell, sampling goes on.
  saved_ns_ = std::clamp(saved_ns_, -full_cost_ns_ * 2, full_cost_ns_ * 2);
  return saved_ns_ >= full_cost_ns_ || blind_ + 1 >= options_.max_blind_steps;
}

}  // namespace sonde::monitor
