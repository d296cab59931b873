#include "report/tensorboard_text.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "report/place.h"
#include "report/text.h"

namespace sonde::report {
namespace {

// Clean text that Markdown, and the HTML in it, reads as it stands.
std::string plain(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]()#+!|~";
  std::string result;
  for (const char c : clean(text)) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      if (kSpecial.find(c) != std::string_view::npos) result += '\\';
      result += c;
    }
  }
  return result;
}

std::string place(const Location& where) {
  const std::string source = describe(where.source);
  return plain(describe(where) + (source.empty() ? "" : ", " + source));
}

void append_list(std::string& text, std::string_view head, const std::vector<std::string>& lines, bool numbered) {
  if (lines.empty()) return;
  text += fmt::format("\n**{}**\n\n", head);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += (numbered ? fmt::format("{}. ", i + 1) : std::string("- ")) + lines[i] + '\n';
  }
}

void add_once(std::vector<std::string>& lines, const std::string& line) {
  if (!line.empty() && std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
}

}  // namespace

std::string title_of(const Finding& finding) {
  const bool known = !finding.causes.empty() && finding.causes.front().cause != Cause::unknown;
  return known ? std::string(to_string(finding.causes.front().cause)) : clean(finding.origin.kind);
}

std::string markdown(const Finding& finding) {
  std::string text = fmt::format("**{}: {}** in {}\n\nStep {}: {}\n", to_string(finding.severity), title_of(finding),
                                 place(finding.origin.where), finding.origin.step, plain(finding.origin.message));
  std::vector<std::string> why;
  std::vector<std::string> causes;
  std::vector<std::string> fixes;
  const std::string seen = plain(finding.origin.message);
  for (const std::string& line : finding.context) add_once(why, plain(line));
  for (const RankedCause& cause : finding.causes) {
    for (const std::string& line : cause.evidence) {
      if (plain(line) != seen) add_once(why, plain(line));
    }
    if (cause.cause != Cause::unknown) {
      add_once(causes, fmt::format("{} {:.2f} ({})", to_string(cause.cause), cause.confidence, place(cause.where)));
    }
    add_once(fixes, plain(cause.fix));
  }
  append_list(text, "Why", why, false);
  append_list(text, "Causes", causes, false);
  append_list(text, "What to do", fixes, true);
  return text;
}

}  // namespace sonde::report
