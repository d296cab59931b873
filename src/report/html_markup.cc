#include "report/html_markup.h"

#include <nlohmann/json.hpp>

#include "report/text.h"

namespace sonde::report {
namespace {

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : clean(text)) {
    if (const std::string_view replacement = entity(c); !replacement.empty()) {
      result += replacement;
    } else {
      result += c;
    }
  }
  return result;
}

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t left = digits.size(); left > 3;) digits.insert(left -= 3, "\u202F");
  return digits;
}

std::string script_json(const nlohmann::ordered_json& document) {
  std::string text = document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  // These stand in strings only, where JSON has another spelling for them.
  for (const auto& [what, with] : {std::pair{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}}) {
    if (text.find(what) != std::string::npos) replace_all(text, what, with);
  }
  replace_all(text, "\u2028", "\\u2028");
  replace_all(text, "\u2029", "\\u2029");
  return text;
}

std::string fill(std::string_view page, const std::map<std::string_view, std::string_view>& parts) {
  std::string result;
  while (true) {
    const std::size_t begin = page.find("{{");
    if (begin == std::string_view::npos) return result.append(page);
    const std::size_t end = page.find("}}", begin);
    result.append(page.substr(0, begin)).append(parts.at(page.substr(begin + 2, end - begin - 2)));
    page.remove_prefix(end + 2);
  }
}

}  // namespace sonde::report
