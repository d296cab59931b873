// Troubles: the monitor's own failures, on their way to the user's callback. Never those of the training.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sonde::runtime {

// Thread-safety: all members may be called from any thread. Nothing here throws: a trouble that cannot even be noted
// for want of memory is lost.
class Troubles {
 public:
  // `callback` may be empty: std::cerr then. What it throws is swallowed.
  explicit Troubles(std::function<void(std::string_view)> callback) : callback_(std::move(callback)) {}

  // Counts a trouble; the message of the first one of each kind waits for tell(). May be called under any lock.
  void note(const char* kind, std::string_view message) noexcept;

  // Calls the callback with what waits. Call it without locks: the callback is the user's, and may ask for a report.
  void tell() noexcept;

  [[nodiscard]] std::uint64_t count(const std::string& kind) const;

 private:
  const std::function<void(std::string_view)> callback_;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::vector<std::string> waiting_;
};

}  // namespace sonde::runtime
