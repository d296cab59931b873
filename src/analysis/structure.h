// Structure: habits read from the sequence of operations. Advice only: many healthy networks break them on purpose.
#pragma once

#include <cstddef>

#include "analysis/analyzer.h"

namespace sonde::analysis {

// Layers in a row without an activation between them, activations in a row, dropout that drops more than it keeps, fewer
// convolutions than images of the kind usually need (Theia: 3 for colour, 2 for grey), a data set that is small for the
// model (where the whole of it is seen: as the tensor that batches are picked from).
class StructureAnalyzer final : public Analyzer {
 public:
  static constexpr std::size_t kMost = 3;           // pieces of advice of one kind
  static constexpr std::int64_t kFewRows = 500;     // rows of a data set, and
  static constexpr double kParametersPerRow = 100;  // parameters of the model for each of them

  void end_of_step(const Step& step, const Run& run, std::vector<Sighting>& seen) override;

 private:
  void data_set(const Step& step, const Run& run, std::vector<Sighting>& seen) const;
  void convolutions(const Step& step, const Run& run, std::vector<Sighting>& seen) const;

  std::size_t sites_ = 0;  // already looked at
};

}  // namespace sonde::analysis
