// Deflated bytes, as in zip files.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sonde::formats {

// Throws FormatError if they are damaged or not `size` bytes. Deflate makes at most 1032 bytes of one, so that more are not
// even tried.
[[nodiscard]] std::vector<std::byte> inflate(std::span<const std::byte> deflated, std::size_t size);

}  // namespace sonde::formats
