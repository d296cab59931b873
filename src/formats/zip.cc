#include "formats/zip.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <zlib.h>

#include "formats/error.h"
#include "formats/inflate.h"

namespace sonde::formats {
namespace {

// Signatures and the sizes of the parts that do not vary, by PKWARE's APPNOTE 6.3.
constexpr std::string_view kLocal("PK\x03\x04", 4);
constexpr std::string_view kCentral("PK\x01\x02", 4);
constexpr std::string_view kEnd("PK\x05\x06", 4);
constexpr std::string_view kEnd64("PK\x06\x06", 4);
constexpr std::string_view kLocator64("PK\x06\x07", 4);
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kLocator64Size = 20;

constexpr std::uint32_t kElsewhere = 0xffffffff;  // "see the zip64 field"

template <typename T>
T number(std::string_view bytes, std::size_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) throw FormatError("the archive ends within a header");
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

std::string_view part(std::string_view bytes, std::uint64_t begin, std::uint64_t count, const char* what) {
  if (begin > bytes.size() || count > bytes.size() - begin)
    throw FormatError(fmt::format("{}: bytes {} to {} are wanted of {}", what, begin, begin + count, bytes.size()));
  return bytes.substr(begin, count);
}

struct Directory {
  std::uint64_t count = 0;
  std::uint64_t size = 0;
  std::uint64_t begin = 0;
};

Directory find_directory(std::string_view archive) {
  constexpr std::size_t kLongestComment = 0xffff;
  const std::size_t tail = archive.size() - std::min(archive.size(), kEndSize + kLongestComment);
  const std::size_t found = archive.substr(tail).rfind(kEnd);
  if (found == std::string_view::npos)
    throw FormatError("got no zip archive or a part of one: its directory is missing");
  const std::size_t end = tail + found;
  const std::string_view record = part(archive, end, kEndSize, "the end of the directory");
  Directory directory{number<std::uint16_t>(record, 10), number<std::uint32_t>(record, 12),
                      number<std::uint32_t>(record, 16)};
  const bool elsewhere = directory.count == 0xffff || directory.size == kElsewhere || directory.begin == kElsewhere;
  if (elsewhere && end >= kLocator64Size && archive.substr(end - kLocator64Size).starts_with(kLocator64)) {
    const auto at = number<std::uint64_t>(archive, end - kLocator64Size + 8);
    const std::string_view end64 = part(archive, at, kEnd64Size, "the zip64 directory");
    if (!end64.starts_with(kEnd64)) throw FormatError("the zip64 directory is not where it should be");
    directory = {number<std::uint64_t>(end64, 32), number<std::uint64_t>(end64, 40), number<std::uint64_t>(end64, 48)};
  }
  return directory;
}

// What did not fit into 32 bits stands in the extra field 1, in this order.
void read_extra(std::string_view extra, ZipEntry& entry) {
  while (extra.size() >= 4) {
    const auto id = number<std::uint16_t>(extra, 0);
    const std::string_view field = part(extra, 4, number<std::uint16_t>(extra, 2), "an extra field");
    if (id == 1) {
      std::size_t at = 0;
      for (std::uint64_t* value : {&entry.size, &entry.stored, &entry.header}) {
        if (*value != kElsewhere) continue;
        *value = number<std::uint64_t>(field, at);
        at += 8;
      }
    }
    extra.remove_prefix(4 + field.size());
  }
}

}  // namespace

bool is_zip(const Bytes& file) noexcept { return file.text().starts_with(kLocal) || file.text().starts_with(kEnd); }

std::vector<ZipEntry> read_zip_directory(const Bytes& archive) {
  const Directory directory = find_directory(archive.text());
  std::string_view rest = part(archive.text(), directory.begin, directory.size, "the directory");
  if (directory.count > rest.size() / kCentralSize)
    throw FormatError(fmt::format("the directory has {} bytes, too few for {} entries", rest.size(), directory.count));
  std::vector<ZipEntry> entries;
  std::uint64_t taken = 0;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    if (!rest.starts_with(kCentral)) throw FormatError(fmt::format("entry {} of the directory is damaged", i));
    const std::size_t name = number<std::uint16_t>(rest, 28);
    const std::size_t extra = number<std::uint16_t>(rest, 30);
    ZipEntry entry{.name = std::string(part(rest, kCentralSize, name, "a name")),
                   .method = number<std::uint16_t>(rest, 10),
                   .crc = number<std::uint32_t>(rest, 16),
                   .stored = number<std::uint32_t>(rest, 20),
                   .size = number<std::uint32_t>(rest, 24),
                   .header = number<std::uint32_t>(rest, 42)};
    if (number<std::uint16_t>(rest, 8) & 1) throw FormatError(fmt::format("{} is encrypted", in_quotes(entry.name)));
    read_extra(part(rest, kCentralSize + name, extra, "extra fields"), entry);
    if (entry.stored > archive.size() - taken)
      throw FormatError(fmt::format("the entries up to {} take more bytes than the archive's {}", in_quotes(entry.name),
                                    archive.size()));
    taken += entry.stored;
    const std::size_t whole = kCentralSize + name + extra + number<std::uint16_t>(rest, 32);
    rest.remove_prefix(part(rest, 0, whole, "an entry").size());
    entries.push_back(std::move(entry));
  }
  return entries;
}

Bytes read_zip_entry(const Bytes& archive, const ZipEntry& entry) {
  const std::string_view header = part(archive.text(), entry.header, kLocalSize, "an entry");
  if (!header.starts_with(kLocal))
    throw FormatError(fmt::format("{} is not where the directory says", in_quotes(entry.name)));
  const std::uint64_t begin =
      entry.header + kLocalSize + number<std::uint16_t>(header, 26) + number<std::uint16_t>(header, 28);
  const std::size_t count = part(archive.text(), begin, entry.stored, "an entry").size();
  Bytes content = archive.part(begin, count);
  if (entry.method == 8) {
    content = Bytes::own(inflate(content.view(), entry.size));
  } else if (entry.method != 0) {
    throw FormatError(fmt::format("{} is compressed by method {}, wanted 0 (stored) or 8 (deflated)",
                                  in_quotes(entry.name), entry.method));
  } else if (entry.stored != entry.size) {
    throw FormatError(
        fmt::format("{} is stored in {} bytes, but has {}", in_quotes(entry.name), entry.stored, entry.size));
  }
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (crc != entry.crc && !content.empty())
    throw FormatError(
        fmt::format("{} is damaged: its checksum is {:08x}, wanted {:08x}", in_quotes(entry.name), crc, entry.crc));
  return content;
}

}  // namespace sonde::formats
