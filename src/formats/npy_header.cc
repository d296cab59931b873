#include "formats/npy_header.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "formats/error.h"

namespace sonde::formats {
namespace {

constexpr std::size_t kMostDimensions = 64;  // as in NumPy

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  NpyHeader dictionary() {
    NpyHeader header;
    bool descr = false;
    bool order = false;
    bool shape = false;
    expect('{');
    while (!take('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr) {
        if (next() == '[') fail("numbers, not a structure");
        header.descr = string();
        descr = true;
      } else if (key == "fortran_order" && !order) {
        header.fortran_order = boolean();
        order = true;
      } else if (key == "shape" && !shape) {
        header.shape = tuple();
        shape = true;
      } else {
        throw FormatError(
            fmt::format("the header has the key {}, wanted descr, fortran_order and shape once each", in_quotes(key)));
      }
      if (!take(',') && next() != '}') fail("',' or '}'");
    }
    if (next() != '\0') fail("the end of the header");
    if (!descr || !order || !shape) throw FormatError("the header lacks one of descr, fortran_order and shape");
    return header;
  }

 private:
  char next() {
    const std::size_t begin = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char c) {
    if (next() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("'{}'", c));
  }
  std::string string() {
    const char quote = next();
    if (quote != '\'' && quote != '"') fail("a string");
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) fail("the end of a string");
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    next();
    for (const std::string_view word : {"True", "False"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return word == "True";
    }
    fail("True or False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> numbers;
    expect('(');
    while (!take(')')) {
      next();
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
      if (error != std::errc{} || number < 0) fail("a size");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      take('L');  // Python 2's long integers
      numbers.push_back(number);
      if (numbers.size() > kMostDimensions) fail(fmt::format("at most {} dimensions", kMostDimensions));
      if (!take(',') && next() != ')') fail("',' or ')'");
    }
    return numbers;
  }
  [[noreturn]] void fail(std::string_view wanted) {
    throw FormatError(fmt::format("the header has {}, wanted {}",
                                  rest_.empty() ? "its end" : in_quotes(rest_.substr(0, 20)), wanted));
  }

  std::string_view rest_;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text) { return Parser(text).dictionary(); }

}  // namespace sonde::formats
