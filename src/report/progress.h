// Progress line: one line of a terminal, drawn again and again.
#pragma once

#include <cstdint>
#include <string>

namespace sonde::report {

struct Progress {
  std::uint64_t step = 0;
  double steps_per_second = 0;  // 0 if not known yet
  double loss = 0;              // NaN if none was seen
  std::uint64_t errors = 0;
  std::uint64_t warnings = 0;
};

// "sonde: step 1234, 56.1 steps/s, loss 0.0412, 1 warning". Of Options::name; without a line break.
[[nodiscard]] std::string progress_text(const std::string& monitor, const Progress& progress);

// Not thread-safe.
class ProgressLine {
 public:
  // Nothing is ever written if `descriptor` is no terminal. It stays the caller's.
  ProgressLine(int descriptor, std::string monitor);

  // At most four times a second; `now_ns` is the steady clock.
  void draw(const Progress& progress, std::uint64_t now_ns);
  // Takes the line away, so that other output finds a clean one.
  void clear();

  [[nodiscard]] bool visible() const noexcept { return descriptor_ >= 0; }

 private:
  void put(const std::string& text) const;

  int descriptor_;  // -1: no terminal
  const std::string monitor_;
  std::uint64_t last_ns_ = 0;
  bool drawn_ = false;
};

}  // namespace sonde::report
