// The files in a zip archive, stored or deflated, zip64 included.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/array.h"

namespace sonde::formats {

struct ZipEntry {
  std::string name;
  std::uint16_t method = 0;  // 0: stored, 8: deflated
  std::uint32_t crc = 0;
  std::uint64_t stored = 0;  // bytes in the archive
  std::uint64_t size = 0;    // bytes of the file
  std::uint64_t header = 0;  // where its local header begins
};

[[nodiscard]] bool is_zip(const Bytes& file) noexcept;

// The directory, in its order. Together the entries take no more bytes than the archive has, so that entries which
// overlap to grow beyond all bounds are refused. Throws FormatError.
[[nodiscard]] std::vector<ZipEntry> read_zip_directory(const Bytes& archive);

// The content of an entry; its checksum was right. Stored ones point into the archive. Throws FormatError.
[[nodiscard]] Bytes read_zip_entry(const Bytes& archive, const ZipEntry& entry);

}  // namespace sonde::formats
