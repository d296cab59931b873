// The header of .npy: a Python dictionary as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sonde::formats {

struct NpyHeader {
  std::string descr;  // "<f4"
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// Throws FormatError if it is not a dictionary of exactly the three keys, each of its kind.
[[nodiscard]] NpyHeader parse_npy_header(std::string_view text);

}  // namespace sonde::formats
