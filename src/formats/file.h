// The bytes of a file.
#pragma once

#include <filesystem>

#include "formats/array.h"
#include "formats/error.h"

namespace sonde::formats {

// Mapped, so that the arrays of a model larger than memory can be read one after the other. The file must not be cut short
// while the bytes are used. Throws FormatError with the path and the system's reason, also for what is no ordinary file.
[[nodiscard]] Bytes map_file(const std::filesystem::path& path);

// `read(bytes)` of a file; its FormatErrors get the path in front.
template <typename Read>
[[nodiscard]] auto read_file(const std::filesystem::path& path, const Read& read) {
  const Bytes bytes = map_file(path);
  try {
    return read(bytes);
  } catch (const FormatError& error) { throw FormatError(path.string() + ": " + error.what()); }
}

}  // namespace sonde::formats
