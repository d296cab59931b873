// Source lines: which line of the user's program called an operation.
//
// Capturing is cheap and happens on the training thread; resolving reads debug information and happens when a report
// is made. Knows nothing of LibTorch but the names of its shared objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sonde/finding.h>

namespace sonde::probes {

// Where a capture happens. The difference matters where Sonde is linked statically and its own frames lie in the user's
// executable: between LibTorch and an observer of operations there is nothing but Sonde.
enum class CaptureFrom : std::uint8_t {
  operation,  // in a callback of LibTorch's: all frames up to the innermost one of LibTorch are passed over
  call,       // in a function that the user called, perhaps itself inside LibTorch (a closure of LBFGS)
};

// Writes the return addresses of the calling thread's frames that lie in the user's objects (not in LibTorch's, Sonde's,
// Python's or the system's shared objects), innermost first, and returns how many. About 1.5 microseconds for twelve
// frames, 3.5 for thirty. Allocates only when the loaded objects have changed, which is noticed at once; holds one mutex
// and the loader's for a moment.
std::size_t capture_user_frames(std::span<std::uintptr_t> frames, CaptureFrom from = CaptureFrom::operation) noexcept;

// The innermost line among `frames` that a user wrote: inlined calls are followed, and lines in LibTorch's, Sonde's or
// system headers and functions of Sonde's are passed over. If no frame has a line, `function` names the nearest symbol,
// or object and offset. Slow (tens of milliseconds for the first address of a source file), cached by address. Fetches
// nothing from the network. Thread-safe; never throws.
SourceLine resolve(std::span<const std::uintptr_t> frames) noexcept;

}  // namespace sonde::probes
