#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>

#include "trace/catalog_codec.h"
#include "trace/layout.h"
#include "trace/ring.h"
#include "trace/trace_file.h"

namespace sonde::trace {
namespace {

using Bytes = std::span<const char>;

// REQUIRES: `offset` + sizeof(T) <= bytes.size().
template <typename T>
T load(Bytes bytes, std::size_t offset) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// A fuzzer cannot guess a checksum.
bool intact(std::uint32_t stored, std::uint32_t computed) noexcept {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return (void)stored, (void)computed, true;
#else
  return stored == computed;
#endif
}

bool sound(const Record& record, std::size_t sites) noexcept {
  return record.version == kRecordVersion && record.kind <= RecordKind::metric && record.phase <= Phase::update &&
         record.site < sites &&
         (record.kind != RecordKind::contract || record.contract.what <= Contract::module_registered_not_used) &&
         (record.kind != RecordKind::metric ||
          (record.metric.better <= Better::higher && record.metric.split <= Split::validation)) &&
         (record.kind != RecordKind::origin ||
          (record.origin.kind <= OriginKind::unknown && record.origin.operands <= std::size(record.origin.operand)));
}

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  Trace read() {
    read_header();
    trace_.sites.emplace_back();  // the program
    read_chunks();
    for (const Lane& lane : lanes_) read_lane(lane);
    // Each thread may have been about to push one.
    const std::uint64_t accounted = trace_.overwritten + trace_.records.size() + unsound_;
    if (next_ > accounted + lanes_.size()) lose("records that are in no lane", next_ - accounted);
    order_records();
    return std::move(trace_);
  }

 private:
  struct Lane {
    std::uint64_t tail;
    std::uint64_t capacity;
    Bytes slots;  // as many as the file holds
  };

  void read_header() {
    if (bytes_.size() < kFileMagic.size() || std::memcmp(bytes_.data(), kFileMagic.data(), kFileMagic.size()) != 0) {
      throw TraceError("not a Sonde trace: it does not begin with SONDETRC");
    }
    if (bytes_.size() < sizeof(FileHeader)) {
      throw TraceError("truncated trace: " + std::to_string(bytes_.size()) + " bytes, the header alone has " +
                       std::to_string(sizeof(FileHeader)));
    }
    if (const auto version = load<std::uint32_t>(bytes_, offsetof(FileHeader, version)); version != kTraceFileVersion) {
      throw TraceError("trace of version " + std::to_string(version) + ", this program reads version " +
                       std::to_string(kTraceFileVersion));
    }
    if (const auto size = load<std::uint32_t>(bytes_, offsetof(FileHeader, record_size)); size != sizeof(Record)) {
      throw TraceError("damaged trace: records of " + std::to_string(size) + " bytes, version " +
                       std::to_string(kTraceFileVersion) + " has " + std::to_string(sizeof(Record)));
    }
    next_ = load<std::uint64_t>(bytes_, offsetof(FileHeader, sequence));
    if (next_ > kMost) {
      lose("counts of records", 1);
      next_ = static_cast<std::uint32_t>(next_);
    }
    trace_.closed = load<std::uint32_t>(bytes_, offsetof(FileHeader, closed)) == 1;
    if (load<std::uint32_t>(bytes_, offsetof(FileHeader, incomplete)) != 0) lose("part of the catalog", 1);
  }

  // The size of the chunk that begins at `offset`, if one does.
  [[nodiscard]] std::optional<std::uint64_t> chunk_at(std::uint64_t offset) const {
    if (bytes_.size() - offset < sizeof(ChunkHeader) ||
        std::memcmp(bytes_.data() + offset, kChunkMagic.data(), kChunkMagic.size()) != 0)
      return std::nullopt;
    const auto kind = load<ChunkKind>(bytes_, offset + offsetof(ChunkHeader, kind));
    const auto size = load<std::uint64_t>(bytes_, offset + offsetof(ChunkHeader, size));
    const auto stored = load<std::uint32_t>(bytes_, offset + offsetof(ChunkHeader, checksum));
    const bool here = load<std::uint64_t>(bytes_, offset + offsetof(ChunkHeader, offset)) == offset &&
                      intact(stored, checksum_of(kind, size, offset));
    return here && size >= sizeof(ChunkHeader) && size % kCacheLine == 0 ? std::optional(size) : std::nullopt;
  }

  void read_chunks() {
    std::uint64_t offset = sizeof(FileHeader);
    std::uint64_t skipped = 0;
    while (offset < bytes_.size()) {
      const std::uint64_t left = bytes_.size() - offset;
      if (const auto size = chunk_at(offset)) {
        if (*size > left) lose("bytes at the end of the file", *size - left);
        read_chunk(offset, bytes_.subspan(offset, std::min(*size, left)), *size);
        offset += std::min(*size, left);
        continue;
      }
      // A chunk whose header is damaged, or that was not finished when the program ended: go on with the next.
      const Bytes line = bytes_.subspan(offset, std::min<std::uint64_t>(kCacheLine, left));
      if (std::ranges::any_of(line, [](char byte) { return byte != 0; })) skipped += line.size();
      offset += line.size();
    }
    if (skipped > 0) lose("bytes outside of any chunk", skipped);
    if (unread_entries_ > 0) lose("bytes of the catalog", unread_entries_);
  }

  void read_chunk(std::uint64_t offset, Bytes chunk, std::uint64_t size) {
    const Bytes body = chunk.subspan(sizeof(ChunkHeader));
    constexpr std::size_t state = offsetof(ChunkHeader, state);
    switch (load<ChunkKind>(bytes_, offset + offsetof(ChunkHeader, kind))) {
      case ChunkKind::journal:
        return read_journal(body, load<std::uint64_t>(chunk, state));
      case ChunkKind::lane:
        lanes_.push_back({load<std::uint64_t>(chunk, state + offsetof(RingEnd<>, tail)),
                          (size - sizeof(ChunkHeader)) / sizeof(Record), body});
        trace_.dropped += load<std::uint64_t>(chunk, state + offsetof(RingEnd<>, dropped));
        return;
      case ChunkKind::snapshot: {
        const std::size_t half = (size - sizeof(ChunkHeader)) / 2;
        for (const std::size_t begin : {std::size_t{0}, half})
          if (begin < body.size()) read_snapshot(body.subspan(begin, std::min(half, body.size() - begin)));
        return;
      }
    }
    lose("chunks of an unknown kind", 1);
  }

  void read_journal(Bytes body, std::uint64_t committed) {
    const Bytes entries = body.first(std::min<std::uint64_t>(committed, body.size()));
    if (committed > body.size()) unread_entries_ += committed - body.size();
    std::size_t at = 0;
    const auto begins_entry = [&](std::uint64_t offset) {
      return offset <= entries.size() && entries.size() - offset >= sizeof(JournalEntry) &&
             load<std::uint32_t>(entries, offset) == kEntryMagic;
    };
    while (begins_entry(at)) {
      const auto entry = load<JournalEntry>(entries, at);
      const std::uint64_t room = entries.size() - at - sizeof(JournalEntry);
      if (entry.length > room) break;
      const Bytes payload = entries.subspan(at + sizeof(JournalEntry), entry.length);
      const std::size_t next = at + sizeof(JournalEntry) + (entry.length + 7) / 8 * 8;
      if (!intact(entry.checksum, checksum_of(entry, payload)) || !read_entry(entry, payload)) {
        // Its length is as doubtful as the rest, unless an entry follows it.
        if (next != entries.size() && !begins_entry(next)) break;
        lose("entries of the catalog", 1);
        ++lost_entries_;
      }
      at = next;
    }
    if (at < entries.size()) unread_entries_ += entries.size() - at;
  }

  bool read_entry(const JournalEntry& entry, Bytes payload) {
    switch (entry.kind) {
      case EntryKind::run:
        return decode(payload, trace_.run);
      case EntryKind::site: {
        Site site;
        // A number may be missing for each entry that is damaged, no more: a gap costs memory.
        if (!decode(payload, site) || entry.id < trace_.sites.size() || entry.id - trace_.sites.size() > lost_entries_)
          return false;
        lost_entries_ -= entry.id - trace_.sites.size();
        while (trace_.sites.size() < entry.id) {
          Site unknown;
          unknown.id = static_cast<std::uint32_t>(trace_.sites.size());
          unknown.since = trace_.sites.back().since;
          trace_.sites.push_back(std::move(unknown));
        }
        site.id = entry.id;
        site.since = std::max(entry.position, trace_.sites.back().since);
        trace_.sites.push_back(std::move(site));
        return true;
      }
      case EntryKind::source: {
        SourceLine source;
        if (!decode(payload, source)) return false;
        if (entry.id < trace_.sites.size()) trace_.sites[entry.id].source = std::move(source);
        return true;
      }
      case EntryKind::program: {
        ProgramChange change{entry.position, {}};
        if (!decode(payload, change.program)) return false;
        if (!trace_.programs.empty()) change.since = std::max(change.since, trace_.programs.back().since);
        trace_.programs.push_back(std::move(change));
        return true;
      }
      case EntryKind::unseen: {
        Catalog::Unseen unseen{{}, {}, entry.count};
        if (!decode(payload, unseen)) return false;
        trace_.unseen.push_back(std::move(unseen));
        return true;
      }
    }
    return false;
  }

  void read_snapshot(Bytes half) {
    if (half.size() < sizeof(SnapshotHeader)) return;
    const auto header = load<SnapshotHeader>(half, 0);
    if (header.generation <= generation_ || header.length > half.size() - sizeof(SnapshotHeader)) return;
    const Bytes payload = half.subspan(sizeof(SnapshotHeader), header.length);
    if (!intact(header.checksum, checksum_of(header, payload))) return;  // the other half is whole
    generation_ = header.generation;
    trace_.snapshot = {header.position, std::string(payload.begin(), payload.end())};
  }

  // The slots hold the last records in turn. The oldest of a full ring may have been half overwritten.
  void read_lane(const Lane& lane) {
    const std::uint64_t present = lane.slots.size() / sizeof(Record);
    if (lane.capacity == 0) return;
    // The header of a file that is written to may be older than its lanes.
    const bool believed = lane.tail <= next_ + std::min(lane.capacity, kMost);
    if (!believed) lose("counts of records", 1);
    const bool full = lane.tail >= lane.capacity;
    const std::uint64_t oldest = lane.tail % lane.capacity;  // slot that is written next
    if (full && believed) trace_.overwritten = std::min(kMost, trace_.overwritten + (lane.tail - lane.capacity + 1));
    const std::uint64_t wanted = full ? lane.capacity - 1 : lane.tail;
    std::uint64_t got = 0;
    const auto read = [&](std::uint64_t first, std::uint64_t last) {
      for (std::uint64_t slot = first; slot < std::min(last, present); ++slot) {
        const auto record = load<Record>(lane.slots, slot * sizeof(Record));
        if (!sound(record, trace_.sites.size())) continue;
        trace_.records.push_back(record);
        ++got;
      }
    };
    if (full) read(oldest + 1, lane.capacity);
    read(0, oldest);
    if (got == wanted) return;
    lose("records", wanted - got);
    unsound_ = std::min(kMost, unsound_ + std::min(kMost, wanted - got));
  }

  // Numbers are stored modulo 2^32; all records that a file holds lie within 2^31 of its next.
  [[nodiscard]] std::uint64_t position_of(const Record& record) const noexcept {
    const auto distance = std::int64_t{static_cast<std::int32_t>(record.sequence - static_cast<std::uint32_t>(next_))};
    return distance < 0 && next_ < static_cast<std::uint64_t>(-distance) ? 0
                                                                         : next_ + static_cast<std::uint64_t>(distance);
  }

  void order_records() {
    const auto earlier = [this](const Record& a, const Record& b) { return position_of(a) < position_of(b); };
    if (!std::ranges::is_sorted(trace_.records, earlier)) std::ranges::stable_sort(trace_.records, earlier);
    if (!trace_.records.empty()) trace_.first = position_of(trace_.records.front());
  }

  void lose(const char* what, std::uint64_t count) {
    const auto known = std::ranges::find(trace_.lost, what, &Loss::what);
    if (known == trace_.lost.end()) return trace_.lost.push_back({what, count});
    known->count += std::min(count, std::numeric_limits<std::uint64_t>::max() - known->count);
  }

  static constexpr std::uint64_t kMost = std::uint64_t{1} << 62;  // no run counts so far

  const Bytes bytes_;
  Trace trace_;
  std::uint64_t next_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t unread_entries_ = 0;  // bytes
  std::uint64_t lost_entries_ = 0;    // that may have been sites
  std::uint64_t unsound_ = 0;         // records
  std::vector<Lane> lanes_;           // read last: a record is sound only if its site is known
};

}  // namespace

Trace read_trace(std::span<const char> bytes) { return Reader(bytes).read(); }

Trace load_trace(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw TraceError(path + ": is no regular file");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw TraceError(path + ": cannot be opened");
  const auto size = std::filesystem::file_size(path, error);
  std::string bytes(error ? 0 : size, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (in.bad()) throw TraceError(path + ": cannot be read");
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  try {
    return read_trace(bytes);
  } catch (const TraceError& problem) { throw TraceError(path + ": " + problem.what()); }
}

}  // namespace sonde::trace
