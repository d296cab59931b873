#include <sonde/report.h>

#include <algorithm>
#include <iostream>
#include <string>

#include <spdlog/logger.h>

#include "report/console.h"

namespace sonde {

std::size_t Report::count(Severity at_least) const noexcept {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(),
                                                [&](const Finding& finding) { return finding.severity >= at_least; }));
}

void Report::print() const { print(std::cerr); }

void Report::print(std::ostream& out) const {
  std::string text;
  bool apart = false;  // findings of several lines stand apart
  for (const report::Block& block : report::describe(*this)) {
    const bool long_one = block.level != report::Block::Level::info;
    if (!text.empty() && (long_one || apart)) text += '\n';
    text += block.text + '\n';
    apart = long_one;
  }
  // Unformatted and at once: no locale, no width, and no other thread's output in between.
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.flush();
}

void Report::print(spdlog::logger& logger) const {
  const auto level_of = [](report::Block::Level level) {
    switch (level) {
      case report::Block::Level::error:
        return spdlog::level::err;
      case report::Block::Level::warning:
        return spdlog::level::warn;
      case report::Block::Level::info:
        break;
    }
    return spdlog::level::info;
  };
  for (const report::Block& block : report::describe(*this)) {
    logger.log(level_of(block.level), spdlog::string_view_t(block.text));
  }
}

}  // namespace sonde
