// Governor: on which steps every operation is observed, so that watching costs the share of time it may.
//
// Each step earns its share of time and pays what watching it cost; the next full observation comes when enough is
// saved for it, at the latest after Options::max_blind_steps. Not thread-safe; knows no clock.
#pragma once

#include <cstdint>

#include <sonde/options.h>

namespace sonde::monitor {

class Governor {
 public:
  explicit Governor(const Options& options) : options_(options) {}

  struct Step {
    bool observed = false;
    std::uint64_t total_ns = 0;  // since the step before, the monitor's share included
    std::uint64_t monitor_ns = 0;
  };
  // Takes the account of a step and says whether the next one is to be observed in full.
  [[nodiscard]] bool observe_next(const Step& step, bool suspicious);

  // Observe the next steps whatever it costs: something went wrong that was not seen in full.
  void insist(std::uint32_t steps) { insisted_ = steps; }

 private:
  const Options options_;
  std::uint64_t steps_ = 0;
  std::uint32_t blind_ = 0;
  std::uint32_t insisted_ = 0;
  double saved_ns_ = 0;
  double full_cost_ns_ = 0;  // of an observed step, smoothed
};

}  // namespace sonde::monitor
