#include "trace/layout.h"

#include <zlib.h>

namespace sonde::trace {
namespace {

class Checksum {
 public:
  template <typename T>
  Checksum& add(const T& value) noexcept {
    return add({reinterpret_cast<const char*>(&value), sizeof(T)});
  }
  Checksum& add(std::span<const char> bytes) noexcept {
    value_ = crc32_z(value_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    return *this;
  }
  [[nodiscard]] std::uint32_t value() const noexcept { return static_cast<std::uint32_t>(value_); }

 private:
  uLong value_ = crc32_z(0, nullptr, 0);
};

}  // namespace

std::uint32_t checksum_of(ChunkKind kind, std::uint64_t size, std::uint64_t offset) noexcept {
  return Checksum().add(kind).add(size).add(offset).value();
}

std::uint32_t checksum_of(const JournalEntry& entry, std::span<const char> payload) noexcept {
  return Checksum().add(entry.kind).add(entry.id).add(entry.position).add(entry.length).add(payload).value();
}

void begin_chunk(ChunkHeader& header, ChunkKind kind, std::uint64_t size, std::uint64_t offset) noexcept {
  header.kind = kind;
  header.size = size;
  header.offset = offset;
  header.checksum = checksum_of(kind, size, offset);
  // Whoever finds the magic finds the rest, also if the process is killed here.
  std::atomic_thread_fence(std::memory_order_release);
  header.magic = kChunkMagic;
}

std::string make_entry(EntryKind kind, std::uint32_t id, std::uint64_t position, std::uint64_t count,
                       const std::string& payload) {
  JournalEntry entry{kEntryMagic, 0, kind, id, position, count, payload.size()};
  entry.checksum = checksum_of(entry, payload);
  std::string bytes(reinterpret_cast<const char*>(&entry), sizeof(entry));
  bytes += payload;
  bytes.resize((bytes.size() + 7) / 8 * 8);
  return bytes;
}

std::uint32_t checksum_of(const SnapshotHeader& header, std::span<const char> payload) noexcept {
  return Checksum().add(header.generation).add(header.position).add(header.length).add(payload).value();
}

}  // namespace sonde::trace
