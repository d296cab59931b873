// Batches: what the sequence of batches tells of the data loader.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Labels that are all alike within a batch while they differ between batches: the data are sorted by class (warning).
// Labels that never differ at all (warning for classes, advice for yes-or-no, where a generator is trained like that).
// The same batches in the same order each epoch: they are never shuffled (advice). Look-alikes: a GAN labels whole batches
// real or fake, in turn; the whole set as one batch is the same every step; series in time are not shuffled.
class BatchOrderAnalyzer final : public Analyzer {
 public:
  static constexpr int kBlocks = 10;                // observed batches of one label before anything is said
  static constexpr int kRun = 3;                    // of the same label in a row, for two classes
  static constexpr double kMost = 0.9;              // share of one class that is worth a word
  static constexpr std::size_t kRemembered = 4096;  // fingerprints of batches
  static constexpr int kReturned = 4;               // batches that came again at multiples of one distance
  static constexpr std::uint64_t kBatches = 4;      // least distance: the whole set as one batch, or a few, is no order

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  void labels(const Step& step, const Run& run, std::vector<Sighting>& seen);
  void constant(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
  void imbalance(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
  void order(const Step& step, std::vector<Sighting>& seen);

  int of_one_label_ = 0;
  int mixed_ = 0;
  int changes_ = 0;  // from one label to another
  int run_ = 0;      // batches of the same label in a row
  int longest_run_ = 0;
  double label_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> last_seen_;  // pass, by fingerprint
  int returned_ = 0;
  std::uint64_t period_ = 0;  // greatest common divisor of the distances
};

}  // namespace sonde::analysis
