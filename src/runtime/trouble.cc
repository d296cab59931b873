#include "runtime/trouble.h"

#include <iostream>

namespace sonde::runtime {

void Troubles::note(const char* kind, std::string_view message) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (counts_[kind]++ == 0) waiting_.push_back(std::string("sonde: ") + kind + ": " + std::string(message));
  } catch (...) {}
}

void Troubles::tell() noexcept {
  try {
    std::vector<std::string> messages;
    {
      const std::lock_guard lock(mutex_);
      messages.swap(waiting_);
    }
    for (const std::string& message : messages) {
      if (callback_) {
        callback_(message);
      } else {
        std::cerr << message + "\n";
      }
    }
  } catch (...) {}
}

std::uint64_t Troubles::count(const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(kind);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace sonde::runtime
