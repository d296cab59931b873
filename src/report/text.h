// Text for people: numbers without a locale, clean UTF-8, lines of a width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sonde::report {

inline constexpr std::size_t kWidth = 110;  // columns

// Three significant digits; "nan", "inf" and "-inf" (a NaN has no sign worth showing).
[[nodiscard]] std::string number(double value);

// "1 layer", "3 layers". For nouns with a plural in s.
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

// `text` with everything that could upset a terminal or a reader taken out: bytes that are no UTF-8 become U+FFFD, control
// characters (line breaks too) become spaces.
[[nodiscard]] std::string clean(std::string_view text);

// Columns that clean UTF-8 takes, a column a code point.
[[nodiscard]] std::size_t width(std::string_view text);

// A left part, and `right` at the end of the line. Where both do not fit, `right` gets a line of its own.
[[nodiscard]] std::string with_right(std::string left, std::string_view right);

// Appends `text`, broken at spaces into lines of at most kWidth columns, to `out`, whose last line may be begun. Lines
// after the first are indented by `indent`. Words longer than a line are kept whole. Adds no line break at the end.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent);

}  // namespace sonde::report
