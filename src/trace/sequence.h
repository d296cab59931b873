// Sequence: numbers every record of a session in the order pushed, over all its threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sonde::trace {

// 64 bytes on every x86-64 and almost every AArch64 machine; the standard's constant depends on compiler flags.
inline constexpr std::size_t kCacheLine = 64;

// A line of its own, because all producing threads write it. May lie in a trace file.
struct alignas(kCacheLine) Sequence {
  std::atomic<std::uint64_t> next{0};
};

}  // namespace sonde::trace
