// Source lines: which line of the user's program called an operation.
//
// Capturing is cheap and happens on the training thread; resolving reads debug information and happens when a report
// is made. Knows nothing of LibTorch but the names of its shared objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sonde/finding.h>

namespace sonde::probes {

// Writes the return addresses of the calling thread's frames that lie in the user's objects (not in LibTorch's, Sonde's,
// Python's or the system's shared objects), innermost first, and returns how many. Allocates nothing after the first
// call in a process, takes no lock. About 1 microsecond for ten frames. Objects loaded later are noticed.
std::size_t capture_user_frames(std::span<std::uintptr_t> frames) noexcept;

// The innermost line among `frames` that a user wrote: inlined calls are followed, and lines in LibTorch's, Sonde's or
// system headers are passed over. Without debug information the nearest symbol is given in `function`. Slow
// (milliseconds to a second for the first address of an object), cached by address. Thread-safe; never throws.
SourceLine resolve(std::span<const std::uintptr_t> frames) noexcept;

}  // namespace sonde::probes
