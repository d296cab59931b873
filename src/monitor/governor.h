// Governor: how closely each step is watched, so that watching costs the share of time it may.
//
// Each step earns its share of time and pays what watching it cost; the next full observation comes when enough is
// saved for it. Clocks inside the monitor see less than half of what an observation costs: the rest is spent in the
// user's own operations, which find their data and code gone from the caches. So the price of an observed step is by
// how much it and the step after it are longer than the steps that are not observed.
//
// Times are compared with the median of the last few, so that a pause in training (a validation, a checkpoint) earns
// nothing and a thread that was put to sleep in our code does not pay for it. Not thread-safe; knows no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sonde/options.h>

namespace sonde::monitor {

// How closely a step is watched. Each level includes those before it.
enum class Level : std::uint8_t {
  sentinel,  // the loss, the small gradients, and whether one parameter moved
  contract,  // pointers, flags and a few values of every parameter
  full,      // every operation, gradient and weight
};

// The median of the last few values; looked up only now and then, for it is used on every step.
class Typical {
 public:
  void add(double value);
  void restart(double value);  // forgets all others
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] double value() const { return median_; }  // 0 if not known

 private:
  static constexpr std::size_t kWindow = 15;
  static constexpr std::size_t kRefresh = 15;
  std::array<double, kWindow> last_{};
  std::size_t count_ = 0;
  double median_ = 0;
};

class Governor {
 public:
  // The longest stretch of steps on which the contract is not looked at, however little Options::overhead allows; in a young run 32.
  static constexpr std::uint32_t kMostWithoutContract = 128;

  // Steps shorter than this are too short for a decision on each: what the monitor touches costs a share of them.
  static constexpr double kShortStepNs = 2e6;

  explicit Governor(const Options& options) : options_(options) {}

  struct Step {
    Level level = Level::sentinel;
    std::uint64_t total_ns = 0;    // since the last one decided on, the monitor's share included
    std::uint64_t monitor_ns = 0;  // for this step, by the clocks inside the monitor
    bool plain = true;             // one update and cleared gradients since the step before, as far as was seen
    std::uint32_t brisk = 0;       // brisk steps before it
  };
  struct Decision {
    Level level = Level::full;   // of the next step
    std::uint32_t brisk = 0;     // so many steps, from the next one on, may be brisk: without asking again
    std::uint64_t cost_ns = 0;   // of this step: no less than its monitor_ns
    std::uint64_t brisk_ns = 0;  // of each of those
  };
  // Takes the account of a step and says how closely the next one is to be watched.
  [[nodiscard]] Decision next(const Step& step, bool suspicious);

  // Observe the next steps whatever it costs: something went wrong that was not seen in full.
  void insist(std::uint32_t steps) { insisted_ = steps; }

 private:
  // What a step was to the account: its level, or the one after a full one, which pays for the emptied caches too.
  enum Kind : std::uint8_t { sentinel, contract, full, after_full };

  double take(const Step& step);
  [[nodiscard]] Level choose(const Step& step, double cost, bool suspicious);
  [[nodiscard]] double price_of_observation() const { return cost_[full].value() + cost_[after_full].value(); }
  // A part of the steps so far, within these.
  [[nodiscard]] std::uint32_t by_age(std::uint32_t part, std::uint32_t least, std::uint32_t most) const;
  [[nodiscard]] std::uint32_t most_blind() const;
  [[nodiscard]] std::uint32_t most_unchecked() const;
  [[nodiscard]] bool contract_is_due(double earned) const;
  [[nodiscard]] bool short_steps() const { return bare_.count() > 0 && bare_.value() < kShortStepNs; }
  [[nodiscard]] std::uint32_t brisk_steps(Level next, bool suspicious) const;

  const Options options_;
  std::uint64_t steps_ = 0;
  std::uint64_t observations_ = 0;
  std::uint32_t blind_ = 0;      // steps since the last full one
  std::uint32_t unchecked_ = 0;  // ... since the contract was looked at
  std::uint32_t plain_ = 0;      // plain steps in a row
  std::uint32_t insisted_ = 0;
  double saved_ns_ = 0;
  Kind last_ = sentinel;
  Typical bare_;         // time of steps that nothing but the monitor's own clocks makes dearer, without the monitor
  Typical first_total_;  // of the first steps, all observed, while there is nothing to compare them with
  std::array<Typical, 4> cost_;  // by kind
};

}  // namespace sonde::monitor
