// What the published tools reached on their own benchmarks, from their papers.
#pragma once

#include <span>

namespace sonde::faults {

struct PublishedHeadline {
  const char* tool;
  const char* benchmark;
  const char* identified;
  const char* localised;
  const char* false_alarms;
  const char* source;
};

[[nodiscard]] std::span<const PublishedHeadline> published_headlines();

}  // namespace sonde::faults
