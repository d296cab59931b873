#include "probes/call_site.h"

#include <execinfo.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "probes/call_site_lines.h"
#include "probes/call_site_objects.h"

namespace sonde::probes {
namespace {

constexpr std::size_t kDeepest = 192;  // frames looked at; LibTorch and a user's module tree make a few dozen

// Everything that resolving knows. Made anew when objects come or go: the same address may then be other code.
struct Resolver {
  LoaderState loader = LoaderState::now();
  DebugInfo debug_info;
  std::unordered_map<std::uintptr_t, CodePlace> places;

  const CodePlace& place_of(std::uintptr_t return_address) {
    const auto [place, fresh] = places.try_emplace(return_address);
    if (fresh) place->second = debug_info.find(return_address - 1);  // inside the call
    return place->second;
  }
};

SourceLine innermost_line(std::span<const std::uintptr_t> frames) {
  static std::mutex mutex;
  static std::optional<Resolver>& resolver = *new std::optional<Resolver>;  // reports are made at exit, too
  const std::lock_guard lock(mutex);
  if (resolver && resolver->loader != LoaderState::now()) resolver.reset();
  if (!resolver) resolver.emplace();

  SourceLine symbol;
  for (const std::uintptr_t frame : frames) {
    const CodePlace& place = resolver->place_of(frame);
    if (place.kind == CodePlace::Kind::line) return place.line;
    if (place.kind == CodePlace::Kind::symbol && symbol.function.empty()) symbol = place.line;
  }
  return symbol;
}

}  // namespace

[[gnu::noinline]] std::size_t capture_user_frames(std::span<std::uintptr_t> frames, CaptureFrom from) noexcept try {
  std::array<void*, kDeepest> stack;
  std::array<ObjectKind, kDeepest> kinds;
  const auto depth = static_cast<std::size_t>(::backtrace(stack.data(), static_cast<int>(stack.size())));
  LoadedObjects::instance().classify(std::span(stack).first(depth), kinds);

  const auto end = kinds.begin() + static_cast<std::ptrdiff_t>(depth);
  auto first = kinds.begin() + std::min<std::ptrdiff_t>(1, end - kinds.begin());  // this function
  if (from == CaptureFrom::operation) {
    if (const auto inside = std::find(first, end, ObjectKind::libtorch); inside != end) first = inside;
  }
  std::size_t count = 0;
  for (auto kind = first; kind != end && count < frames.size(); ++kind) {
    if (*kind != ObjectKind::user) continue;
    frames[count++] = reinterpret_cast<std::uintptr_t>(stack[static_cast<std::size_t>(kind - kinds.begin())]);
  }
  return count;
} catch (...) { return 0; }

SourceLine resolve(std::span<const std::uintptr_t> frames) noexcept try { return innermost_line(frames); } catch (...) {
  return {};
}

}  // namespace sonde::probes
