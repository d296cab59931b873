#include "runtime/metric_names.h"

#include <utility>

namespace sonde::runtime {

std::uint32_t MetricNames::find(std::string_view name, std::size_t from, std::size_t to) const noexcept {
  for (std::size_t i = from; i < to; ++i) {
    if (entries_[i].name == name) return entries_[i].site;
  }
  return 0;
}

std::uint32_t MetricNames::site_of(std::string_view name) {
  // Pairs with the release below: an entry that is counted is complete, and never changes again.
  const std::size_t known = size_.load(std::memory_order_acquire);
  if (const std::uint32_t site = find(name, 0, known)) return site;
  const std::lock_guard lock(mutex_);
  const std::size_t size = size_.load(std::memory_order_relaxed);
  if (const std::uint32_t site = find(name, known, size)) return site;
  if (size == kLimit) {
    catalog_.not_observed("metrics", "more than " + std::to_string(kLimit) + " names");
    return 0;
  }
  trace::Site site;
  site.operation = trace::kMetricOperation;
  site.parameter = name;
  entries_[size] = {std::string(name), catalog_.add(std::move(site))};
  size_.store(size + 1, std::memory_order_release);
  return entries_[size].site;
}

}  // namespace sonde::runtime
