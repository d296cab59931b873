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
// Steps that were not observed, before observed ones are compared with them.
constexpr std::size_t kComparable = 5;
// Waits between two observations differ by less than this: 2 and 3 are the usual rhythms.
constexpr std::uint32_t kRhythm = 3;
// Of short steps on which only the sentinel looks, so many at most pass between two decisions: in a young run, in an old one;
// and no longer than this. A step that is decided on costs up to ten times a brisk one.
constexpr std::uint32_t kMostBriskYoung = 15, kMostBrisk = 63, kBriskAge = 40;
constexpr double kLongestRowNs = 20e6;  // of short steps, ten at least
// The longest stretch of steps on which the contract is not looked at, in a young run.
constexpr std::uint32_t kMostWithoutContractYoung = 32, kContractAge = 20;
// What a brisk step costs of an ordinary one of the same level: 2.0 of 3.4 us, measured by leaving one of them out
// (MLP 20-64-64-10, steps of 185 us). No clock is read on it.
constexpr double kBriskShare = 0.6;
// What a look costs there, of what the clocks see: the training finds its data gone from the caches. By the same measurement.
constexpr double kUnseen = 3;

// What is young changes fast: the longest blind stretch is a fifth of the run's age, within Options::max_blind_steps and a
// fifth of that.
constexpr std::uint32_t kYouth = 5;

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

void Typical::restart(double value) {
  count_ = 0;
  add(value);
}

Governor::Decision Governor::next(const Step& step, bool suspicious) {
  const double cost = take(step);
  const auto level = choose(step, cost, suspicious);
  return {level, brisk_steps(level, suspicious), static_cast<std::uint64_t>(cost),
          static_cast<std::uint64_t>(kBriskShare * cost_[sentinel].value())};
}

// Files the step under its kind, and returns what watching it cost.
double Governor::take(const Step& step) {
  steps_ += 1 + step.brisk;
  const Kind kind = step.level == Level::full       ? full
                    : last_ == full                 ? after_full
                    : step.level == Level::contract ? contract
                                                    : sentinel;
  last_ = kind;
  const auto clocked = static_cast<double>(step.monitor_ns);
  const auto total = static_cast<double>(step.total_ns) / (1 + step.brisk);
  const bool comparable = bare_.count() >= kComparable;
  if (kind == sentinel || kind == contract) {
    bare_.add(std::max(0.0, total - clocked));
    cost_[kind].add(clocked);
    if (!comparable && bare_.count() == kComparable && first_total_.count() > 0)
      cost_[full].restart(std::max(cost_[full].value(), first_total_.value() - bare_.value()));
    return clocked;
  }
  if (!comparable) {
    if (kind == full) first_total_.add(total);
    cost_[kind].add(clocked);
    return clocked;
  }
  cost_[kind].add(std::max(clocked, total - bare_.value()));
  // One comparison alone is mostly noise.
  return std::max(clocked, cost_[kind].value());
}

Level Governor::choose(const Step& step, double cost, bool suspicious) {
  observations_ += step.level == Level::full;
  blind_ = step.level == Level::full ? 0 : blind_ + 1 + step.brisk;
  unchecked_ = step.level == Level::sentinel ? unchecked_ + 1 + step.brisk : 0;
  plain_ = step.plain ? plain_ + 1 : 0;
  if (options_.every_step) return Level::full;
  // What the first steps cost is not held against the later ones.
  if (steps_ < options_.first_steps) return Level::full;
  if (insisted_ > 0) return --insisted_, Level::full;

  const auto steps = static_cast<double>(1 + step.brisk);
  // Of several steps, one may have been a pause.
  const double most = (steps - 1 + kOutlier) * bare_.value();
  const auto total = static_cast<double>(step.total_ns);
  const double bare = (bare_.count() > 0 ? std::min(total, most) : total - cost) / steps;
  const double earned = bare * options_.overhead * (suspicious ? kSuspicionFactor : 1);
  const double price = price_of_observation();
  if (steps_ > options_.first_steps)
    saved_ns_ += steps * earned - step.brisk * kBriskShare * cost_[sentinel].value() -
                 std::min(cost, kOutlier * cost_[last_].value());
  // A debt of two observations at most: after a slow spell, sampling goes on.
  saved_ns_ = std::clamp(saved_ns_, -price * 2, price * 2);
  // A loop may have a rhythm (two networks in turns, an accumulation): the wait is varied, to see all of it.
  const auto varied = static_cast<std::uint32_t>(observations_ % kRhythm);
  const bool affordable =
      bare_.count() >= kComparable && saved_ns_ >= price + std::min(earned, price / (2 * kRhythm)) * varied;
  if (affordable || blind_ + 1 + varied >= most_blind()) return Level::full;
  // The step after a full one tells what the update did to the weights.
  if (step.level == Level::full || plain_ < kPlainRow || contract_is_due(earned)) return Level::contract;
  return Level::sentinel;
}

std::uint32_t Governor::by_age(std::uint32_t part, std::uint32_t least, std::uint32_t most) const {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(steps_ / part, least, most));
}

std::uint32_t Governor::most_blind() const {
  const auto most = options_.max_blind_steps;
  return by_age(kYouth, std::max(most / kYouth, 1U), most);
}

std::uint32_t Governor::most_unchecked() const {
  return by_age(kContractAge, kMostWithoutContractYoung, kMostWithoutContract);
}

bool Governor::contract_is_due(double earned) const {
  // In place of a contract there would be a sentinel, or a brisk step, which costs less than clocks can tell.
  const double extra =
      short_steps() ? kUnseen * cost_[contract].value() : cost_[contract].value() - cost_[sentinel].value();
  return unchecked_ + 1 >= most_unchecked() || extra <= (unchecked_ + 1) * earned * kContractShare;
}

std::uint32_t Governor::brisk_steps(Level next, bool suspicious) const {
  if (next != Level::sentinel || suspicious || bare_.count() < kComparable || !short_steps()) return 0;
  // Their number varies for the same reason as the waits do. The step after them is decided on in time.
  const auto varied = static_cast<std::uint32_t>(observations_ % kRhythm);
  const auto row = static_cast<std::uint32_t>(kLongestRowNs / std::max(bare_.value(), kLongestRowNs / kMostBrisk));
  const auto most = std::min(by_age(kBriskAge, kMostBriskYoung, kMostBrisk), row);
  const auto left = [](std::uint32_t limit, std::uint32_t used) { return limit > used ? limit - used : 0; };
  return std::min({most - varied, left(most_blind(), blind_ + 2 + varied), left(most_unchecked(), unchecked_ + 2)});
}

}  // namespace sonde::monitor
