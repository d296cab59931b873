// What a reader says of bytes that it refuses.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "formats/array.h"
#include "formats/error.h"

namespace sonde::formats {

// Empty if it takes them.
template <typename Read>
std::string complaint(const Read& read, std::string_view bytes) {
  try {
    (void)read(Bytes::borrow(bytes));
  } catch (const FormatError& error) { return error.what(); }
  return {};
}

// The values of an array.
template <typename T>
std::vector<T> values(const Array& array) {
  std::vector<T> result(array.bytes.size() / sizeof(T));
  if (!result.empty()) std::memcpy(result.data(), array.bytes.data(), result.size() * sizeof(T));
  return result;
}

}  // namespace sonde::formats
