// A run of a very large network, as records: to see that timelines and pages stay small.
#pragma once

#include <cstdint>

#include <sonde/report.h>

#include "analysis/timeline.h"
#include "trace/catalog.h"

namespace sonde::testing {

class HugeRun {
 public:
  explicit HugeRun(std::size_t layers);

  // Feeds `count` observed steps, `apart` from each other. Returns how many records that were.
  std::uint64_t observe(std::uint64_t count, std::uint64_t apart);
  [[nodiscard]] Timeline timeline() const { return builder_.timeline(); }
  // The same as a report, with an incident in the layer that lies at two thirds.
  [[nodiscard]] Report report(std::uint64_t count, std::uint64_t apart);

 private:
  std::size_t layers_;
  std::uint64_t steps_ = 0;
  trace::Catalog catalog_;
  analysis::TimelineBuilder builder_{catalog_};
};

}  // namespace sonde::testing
