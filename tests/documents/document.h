// The documents of the project as tests see them: fenced blocks with the mark in front of them, and links.
//
// A mark is an HTML comment on the line before a block. Code in C++ has <!-- from FILE -->: each piece of it, between lines
// "...", stands in that file, in this order. Output has <!-- output of EXAMPLE [ARGUMENT] -->.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sonde::documents {

struct Block {
  std::string language;  // behind the opening fence: "cpp", "bash"; empty for output
  std::string mark;      // what the comment before it says: "from examples/hooks.cc"; empty without one
  std::vector<std::string> lines;
  int line = 0;  // of the opening fence, from 1
};

struct Document {
  std::string path;  // from the root of the project
  std::string text;
  std::vector<Block> blocks;
  std::vector<std::string> links;  // targets of [text](target)
};

// README.md, CHANGELOG.md and docs/*.md, in the order of their paths.
[[nodiscard]] std::vector<Document> all_documents();
// Throws std::runtime_error if the file cannot be read; `path` is that from the root.
[[nodiscard]] Document read_document(const std::string& path);
[[nodiscard]] std::vector<std::string> read_lines(const std::string& path);

// The block's lines between lines that are "...". Without the indentation that they have in common.
[[nodiscard]] std::vector<std::vector<std::string>> pieces_of(const Block& block);
// Empty if all pieces stand in the file, one after the other, else the first line of the one that does not.
[[nodiscard]] std::string missing_piece(const Block& block, const std::vector<std::string>& file);

// As output is compared: every number as #, white space as one space. Numbers differ a little between machines, and lines
// are wrapped by their length.
[[nodiscard]] std::string without_numbers(std::string_view text);

// What stands between backticks in the text.
[[nodiscard]] std::vector<std::string> names_in(const std::string& text);

}  // namespace sonde::documents
