#include "report/text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace sonde::report {
namespace {

// The length of the well-formed UTF-8 sequence at the beginning of `text`, 0 if there is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool second = within(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = within(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string number(double value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{:.3g}", value);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string clean(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto lead = static_cast<unsigned char>(text.front());
    // U+0080 to U+009F, which begin with C2, are control characters too.
    const bool control =
        lead < 0x20 || lead == 0x7F || (length == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
    if (length == 0) {
      result += "\uFFFD";
    } else if (control) {
      result += ' ';
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string with_right(std::string left, std::string_view right) {
  if (right.empty()) return left;
  constexpr std::size_t gap = 2;
  const std::size_t last_line = left.rfind('\n') == std::string::npos ? 0 : left.rfind('\n') + 1;
  std::size_t used = width(std::string_view(left).substr(last_line));
  if (used + gap + width(right) > kWidth) {
    left += '\n';
    used = 0;
  }
  left.append(kWidth - std::min(kWidth, used + width(right)), ' ');
  left += right;
  return left;
}

void append_wrapped(std::string& out, std::string_view text, std::size_t indent) {
  const std::size_t last_line = out.rfind('\n') == std::string::npos ? 0 : out.rfind('\n') + 1;
  std::size_t column = width(std::string_view(out).substr(last_line));
  bool at_start = true;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (word.empty()) continue;
    if (!at_start && column + 1 + width(word) > kWidth) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
      at_start = true;
    }
    if (!at_start) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width(word);
    at_start = false;
  }
}

}  // namespace sonde::report
