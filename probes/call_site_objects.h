// Which loaded object an address lies in, and whose object it is.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace sonde::probes {

enum class ObjectKind : std::uint8_t {
  user,
  libtorch,
  other,  // Sonde's own, Python's, the system's and those that come with LibTorch
};

// `path` is that of a shared object as the loader knows it. Judged by the start of the file name ("libtorch_cpu.so.2" is
// LibTorch's, "mytorch.so" and "libtorchard.so" are the user's) and by the system's directories.
[[nodiscard]] ObjectKind kind_of_object(std::string_view path) noexcept;

// The same for the program itself: the user's, unless it is a Python interpreter.
[[nodiscard]] ObjectKind kind_of_program(std::string_view path) noexcept;

// Changes whenever an object is loaded or unloaded.
struct LoaderState {
  unsigned long long loaded = 0;
  unsigned long long unloaded = 0;

  static LoaderState now() noexcept;
  bool operator==(const LoaderState&) const = default;
};

// The address ranges of all loaded objects, read again when they have changed. Thread-safe.
class LoadedObjects {
 public:
  static LoadedObjects& instance() noexcept;  // never destroyed: threads may outlive main()

  // kinds[i] says whose code addresses[i] is. REQUIRES: kinds is as long as addresses.
  void classify(std::span<void* const> addresses, std::span<ObjectKind> kinds);

 private:
  struct Range {
    std::uintptr_t begin, end;
    ObjectKind kind;
  };

  void read();
  [[nodiscard]] ObjectKind kind_at(std::uintptr_t address) const noexcept;

  std::mutex mutex_;
  LoaderState state_;
  std::vector<Range> ranges_;  // sorted
};

}  // namespace sonde::probes
