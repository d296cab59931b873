// Lines of a message: a headline, then labels with text beside them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "report/text.h"

namespace sonde::report {

class Rows {
 public:
  // `indent`: the column of the text; a label may have three columns less.
  explicit Rows(std::string head, std::size_t indent = 12) : text_(std::move(head)), indent_(indent) {}

  void add(std::string_view label, std::string_view text, std::string_view right = {}) {
    std::string row(2, ' ');
    row += label;
    row.resize(std::max(row.size() + 1, indent_), ' ');
    append_wrapped(row, text, indent_);
    text_ += '\n' + with_right(std::move(row), right);
  }
  void add_line(std::string_view text) { text_.append("\n  ").append(text); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t indent_;
};

}  // namespace sonde::report
