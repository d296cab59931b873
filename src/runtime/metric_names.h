// Metric names: from the name of a user's number to its site in the catalog.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "trace/catalog.h"

namespace sonde::runtime {

// Thread-safety: site_of() may be called from any thread. For a name that is known it takes no lock and allocates nothing;
// it walks at most kLimit names.
class MetricNames {
 public:
  static constexpr std::size_t kLimit = 256;  // names like "loss_of_step_1234" must not fill the memory

  explicit MetricNames(trace::Catalog& catalog) : catalog_(catalog) {}

  // 0 if there are too many names; the catalog counts what is not observed then.
  [[nodiscard]] std::uint32_t site_of(std::string_view name);

 private:
  struct Entry {
    std::string name;
    std::uint32_t site = 0;
  };
  [[nodiscard]] std::uint32_t find(std::string_view name, std::size_t from, std::size_t to) const noexcept;

  trace::Catalog& catalog_;
  std::mutex mutex_;  // of those who add
  std::array<Entry, kLimit> entries_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace sonde::runtime
