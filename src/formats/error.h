// What is wrong with a file.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace sonde::formats {

// A file that cannot be read, or is not what it should be: what() names what was got and what is wanted.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A text out of a file as it may stand in a message: in quotes, short, control characters replaced.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace sonde::formats
