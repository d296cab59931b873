#include "documents/document.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace sonde::documents {
namespace {

constexpr std::string_view kBlank = " \t";

bool is_elision(const std::string& line) {
  const auto first = line.find_first_not_of(kBlank);
  return first != std::string::npos && line.substr(first) == "...";
}

std::vector<std::string> without_indentation(std::vector<std::string> lines) {
  std::size_t least = std::string::npos;
  for (const std::string& line : lines) least = std::min(least, line.find_first_not_of(kBlank));
  for (std::string& line : lines) line = line.substr(std::min(least, line.size()));
  return lines;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string read_text(const std::string& path) {
  std::ifstream file(SONDE_ROOT "/" + path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> all_matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern); at != std::sregex_iterator(); ++at)
    found.push_back((*at)[1]);
  return found;
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path) { return split(read_text(path)); }

Document read_document(const std::string& path) {
  static const std::regex mark("^<!-- (.*) -->$");
  Document document{path, read_text(path), {}, {}};
  std::string before, prose;
  bool inside = false;
  int number = 0;
  for (const std::string& line : split(document.text)) {
    ++number;
    if (line.starts_with("```")) {
      inside = !inside;
      std::smatch match;
      if (inside)
        document.blocks.push_back(
            {line.substr(3), std::regex_match(before, match, mark) ? match[1] : std::string(), {}, number});
    } else if (inside) {
      document.blocks.back().lines.push_back(line);
    } else {
      prose += line + "\n";
    }
    before = line;
  }
  if (inside) throw std::runtime_error(path + ": a block is not closed");
  document.links = all_matches(prose, std::regex(R"(\]\(([^)#\s]+)[^)]*\))"));
  return document;
}

std::vector<Document> all_documents() {
  std::vector<std::string> paths{"README.md", "CHANGELOG.md"};
  for (const auto& entry : std::filesystem::directory_iterator(SONDE_ROOT "/docs"))
    if (entry.path().extension() == ".md") paths.push_back("docs/" + entry.path().filename().string());
  std::ranges::sort(paths);
  std::vector<Document> documents;
  for (const std::string& path : paths) documents.push_back(read_document(path));
  return documents;
}

std::vector<std::vector<std::string>> pieces_of(const Block& block) {
  std::vector<std::vector<std::string>> pieces(1);
  for (const std::string& line : block.lines) {
    if (is_elision(line)) {
      pieces.emplace_back();
    } else {
      pieces.back().push_back(line);
    }
  }
  std::erase_if(pieces, [](const auto& piece) { return piece.empty(); });
  std::ranges::transform(pieces, pieces.begin(), without_indentation);
  return pieces;
}

std::string missing_piece(const Block& block, const std::vector<std::string>& file) {
  std::size_t from = 0;
  for (const auto& piece : pieces_of(block)) {
    const auto stands_at = [&](std::size_t at) {
      const auto first = file.begin() + static_cast<std::ptrdiff_t>(at);
      return without_indentation({first, first + static_cast<std::ptrdiff_t>(piece.size())}) == piece;
    };
    while (from + piece.size() <= file.size() && !stands_at(from)) ++from;
    if (from + piece.size() > file.size()) return piece.front();
    from += piece.size();
  }
  return {};
}

std::string without_numbers(std::string_view text) {
  static const std::regex number(R"([-+]?\d+(\.\d+)?([eE][-+]?\d+)?)"), blank(R"(\s+)");
  return std::regex_replace(std::regex_replace(std::string(text), number, "#"), blank, " ");
}

std::vector<std::string> names_in(const std::string& text) { return all_matches(text, std::regex("`([^`\n]+)`")); }

}  // namespace sonde::documents
