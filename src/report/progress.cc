#include "report/progress.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "report/text.h"

namespace sonde::report {

std::string progress_text(const std::string& monitor, const Progress& progress) {
  std::string text = monitor.empty() || monitor == "sonde" ? "sonde: " : fmt::format("sonde({}): ", clean(monitor));
  text += fmt::format("step {}", progress.step);
  if (progress.steps_per_second > 0) text += fmt::format(", {} steps/s", number(progress.steps_per_second));
  if (!std::isnan(progress.loss)) text += fmt::format(", loss {}", number(progress.loss));
  if (progress.errors > 0) text += fmt::format(", {}", counted(progress.errors, "error"));
  if (progress.warnings > 0) text += fmt::format(", {}", counted(progress.warnings, "warning"));
  return text;
}

ProgressLine::ProgressLine(int descriptor, std::string monitor)
    : descriptor_(::isatty(descriptor) == 1 ? descriptor : -1), monitor_(std::move(monitor)) {}

void ProgressLine::draw(const Progress& progress, std::uint64_t now_ns) {
  constexpr std::uint64_t kPeriod = 250'000'000;
  if (!visible() || (drawn_ && now_ns - last_ns_ < kPeriod)) return;
  last_ns_ = now_ns;
  drawn_ = true;
  put(fmt::format("\r{}\x1b[K", progress_text(monitor_, progress)));
}

void ProgressLine::clear() {
  if (!std::exchange(drawn_, false)) return;
  put("\r\x1b[K");
}

// What a terminal does not take is not worth waiting for: the next drawing shows more.
void ProgressLine::put(const std::string& text) const {
  [[maybe_unused]] const auto written = ::write(descriptor_, text.data(), text.size());
}

}  // namespace sonde::report
