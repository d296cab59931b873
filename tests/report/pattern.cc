#include "pattern.h"

#include <algorithm>
#include <sstream>
#include <vector>

namespace sonde::report {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool line_matches(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern.starts_with("{*}")) {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (line_matches(text.substr(skip), pattern.substr(3))) return true;
    }
    return false;
  }
  if (pattern.starts_with("{#}")) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789.+-e"), text.size());
    return text.substr(0, end).find_first_of("0123456789") != std::string_view::npos &&
           line_matches(text.substr(end), pattern.substr(3));
  }
  return !text.empty() && text.front() == pattern.front() && line_matches(text.substr(1), pattern.substr(1));
}

}  // namespace

::testing::AssertionResult matches(std::string_view text, std::string_view pattern) {
  const auto got = lines_of(text);
  const auto wanted = lines_of(pattern);
  for (std::size_t i = 0; i < std::max(got.size(), wanted.size()); ++i) {
    if (i < got.size() && i < wanted.size() && line_matches(got[i], wanted[i])) continue;
    return ::testing::AssertionFailure() << "line " << i + 1 << " is\n  " << (i < got.size() ? got[i] : "(missing)")
                                         << "\nwanted\n  " << (i < wanted.size() ? wanted[i] : "(nothing)")
                                         << "\nof the whole text\n"
                                         << text;
  }
  return ::testing::AssertionSuccess();
}

}  // namespace sonde::report
