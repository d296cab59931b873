#include "monitor/governor.h"

#include <algorithm>

namespace sonde::monitor {
namespace {

constexpr double kSuspicionFactor = 8;  // a suspicion is worth so many times the allowed cost
constexpr double kOutlier = 4;          // a time that many times the typical one is a pause
// Of what the budget allows, the part that contracts may have; sentinels come first, observations get the rest.
constexpr double kContractShare = 0.1;
// A loop that has gone so long without accumulating, skipping or taking turns can be followed by a glance.
constexpr std::uint32_t kPlainRow = 8;

}  // namespace

void Typical::add(double value) {
  last_[count_++ % kWindow] = value;
  if (count_ > kWindow && count_ % kRefresh != 0) return;
  auto sorted = last_;
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(count_, kWindow));
  const auto middle = sorted.begin() + (end - sorted.begin()) / 2;
  std::nth_element(sorted.begin(), middle, end);
  median_ = *middle;
}

Level Governor::next(const Step& step, bool suspicious) {
  ++steps_;
  auto& costs = cost_[static_cast<std::size_t>(step.level)];
  const auto cost = static_cast<double>(step.monitor_ns);
  const double bare = std::max(0.0, static_cast<double>(step.total_ns) - cost);
  costs.add(cost);
  bare_.add(bare);
  blind_ = step.level == Level::full ? 0 : blind_ + 1;
  unchecked_ = step.level == Level::sentinel ? unchecked_ + 1 : 0;
  plain_ = step.plain ? plain_ + 1 : 0;
  if (options_.every_step) return Level::full;
  // What the first steps cost is not held against the later ones.
  if (steps_ < options_.first_steps) return Level::full;
  if (insisted_ > 0) return --insisted_, Level::full;

  const double earned =
      std::min(bare, kOutlier * bare_.value()) * options_.overhead * (suspicious ? kSuspicionFactor : 1);
  const double full_cost = cost_[static_cast<std::size_t>(Level::full)].value();
  saved_ns_ += earned - (steps_ > options_.first_steps ? std::min(cost, kOutlier * costs.value()) : 0);
  // A debt of two observations at most: after a slow spell, sampling goes on.
  saved_ns_ = std::clamp(saved_ns_, -full_cost * 2, full_cost * 2);
  if (saved_ns_ >= full_cost || blind_ + 1 >= options_.max_blind_steps) return Level::full;
  // The step after a full one tells what the update did to the weights.
  if (step.level == Level::full || plain_ < kPlainRow || contract_is_due(earned)) return Level::contract;
  return Level::sentinel;
}

bool Governor::contract_is_due(double earned) const {
  const double extra = cost_[static_cast<std::size_t>(Level::contract)].value() -
                       cost_[static_cast<std::size_t>(Level::sentinel)].value();
  return unchecked_ + 1 >= kMostWithoutContract || extra <= (unchecked_ + 1) * earned * kContractShare;
}

}  // namespace sonde::monitor
