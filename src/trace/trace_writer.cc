#include "trace/trace_writer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <new>

#include "trace/catalog_codec.h"

namespace sonde::trace {
namespace {

constexpr std::size_t kJournalPiece = std::size_t{256} << 10;
constexpr std::size_t kSnapshotPiece = std::size_t{128} << 10;

char* body(ChunkHeader& header) { return reinterpret_cast<char*>(&header + 1); }

// All that a mapped number needs, in a file that another process may read at any moment.
void publish(void* where, std::uint64_t value) noexcept {
  std::atomic_ref(*static_cast<std::uint64_t*>(where)).store(value, std::memory_order_release);
}

}  // namespace

TraceWriter::TraceWriter(const std::string& path, std::size_t lane_records, const RunFacts& run)
    : lane_records_(lane_records), file_(path) {
  try {
    const auto piece = file_.append(sizeof(FileHeader));
    header_ = new (piece.bytes.data()) FileHeader{};
    header_->version = kTraceFileVersion;
    header_->record_size = sizeof(Record);
    append_entry(make_entry(EntryKind::run, 0, 0, 0, encode(run)));
    header_->magic = kFileMagic;
  } catch (const TraceError& error) { throw TraceError(path + ": " + error.what()); }
}

// REQUIRES: the mutex is held, or nobody else knows this. `size`: of the chunk with its header.
ChunkHeader& TraceWriter::append_chunk(ChunkKind kind, std::size_t size) {
  const auto piece = file_.append(size);
  auto& header = *new (piece.bytes.data()) ChunkHeader{};
  begin_chunk(header, kind, (size + kCacheLine - 1) / kCacheLine * kCacheLine, piece.offset);
  return header;
}

Ring<Record>::Memory TraceWriter::add_lane() {
  const std::lock_guard lock(mutex_);
  if (lanes_ == kLanes) throw TraceError("there are " + std::to_string(kLanes) + " threads that train already");
  ChunkHeader& header = append_chunk(ChunkKind::lane, sizeof(ChunkHeader) + lane_records_ * sizeof(Record));
  ++lanes_;
  static_assert(sizeof(RingEnd<>) == sizeof(header.state));
  auto* const end = new (header.state.data()) RingEnd<>;
  // The slots are zero, and no Record is made there: an unwritten one is none to the reader.
  return {end, {reinterpret_cast<Record*>(body(header)), lane_records_}};
}

char* TraceWriter::append_entry(const std::string& entry) {
  if (journal_ == nullptr || journal_filled_ + entry.size() > journal_->size - sizeof(ChunkHeader)) {
    if (journal_total_ + entry.size() > kJournalBytes)
      throw TraceError("the catalog has grown beyond " + std::to_string(kJournalBytes) + " bytes");
    journal_ = &append_chunk(ChunkKind::journal, std::max(kJournalPiece, sizeof(ChunkHeader) + entry.size()));
    journal_filled_ = 0;
  }
  char* const place = body(*journal_) + journal_filled_;
  std::ranges::copy(entry, place);
  journal_filled_ += entry.size();
  journal_total_ += entry.size();
  publish(journal_->state.data(), journal_filled_);
  return place;
}

// The journal is written under the catalog's mutex, on the training thread: it fails once, and is then left alone.
template <typename Append>
void TraceWriter::keep(const Append& append) noexcept {
  const std::lock_guard lock(mutex_);
  if (!journal_failure_.empty()) return;
  try {
    append();
  } catch (const std::exception& error) {
    header_->incomplete.store(1, std::memory_order_relaxed);
    try {
      journal_failure_ = error.what();
    } catch (...) {}
  }
}

void TraceWriter::site_added(const Site& site) noexcept {
  keep([&] { append_entry(make_entry(EntryKind::site, site.id, site.since, 0, encode(site))); });
}

void TraceWriter::source_found(std::uint32_t site, const SourceLine& source) noexcept {
  keep([&] { append_entry(make_entry(EntryKind::source, site, 0, 0, encode(source))); });
}

void TraceWriter::program_changed(const Program& program, std::uint64_t position) noexcept {
  keep([&] { append_entry(make_entry(EntryKind::program, 0, position, 0, encode(program))); });
}

void TraceWriter::not_observed(const std::string& what, const std::string& reason, std::uint64_t count) noexcept {
  keep([&] {
    std::uint64_t*& place = counts_[{what, reason}];
    if (place != nullptr) return publish(place, count);
    char* const entry = append_entry(make_entry(EntryKind::unseen, 0, 0, count, encode_unseen(what, reason)));
    place = reinterpret_cast<std::uint64_t*>(entry + offsetof(JournalEntry, count));
  });
}

void TraceWriter::write_snapshot(std::span<const char> bytes, std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  const std::size_t needed = sizeof(SnapshotHeader) + bytes.size();
  if (snapshot_.bytes.size() / 2 < needed) {
    // With room to grow, and halves that begin at multiples of a cache line.
    const std::size_t half = std::max(kSnapshotPiece, 2 * needed) / kCacheLine * kCacheLine;
    ChunkHeader& header = append_chunk(ChunkKind::snapshot, sizeof(ChunkHeader) + 2 * half);
    snapshot_.bytes = {reinterpret_cast<std::byte*>(body(header)), 2 * half};
  }
  const std::uint64_t generation = ++snapshot_.generation;
  SnapshotHeader header{generation, position, bytes.size(), 0, 0};
  header.checksum = checksum_of(header, bytes);
  std::byte* const half = snapshot_.bytes.data() + (generation % 2) * (snapshot_.bytes.size() / 2);
  std::memcpy(half + sizeof(header), bytes.data(), bytes.size());
  std::memcpy(half, &header, sizeof(header));
}

void TraceWriter::close() noexcept { header_->closed.store(1, std::memory_order_release); }

std::string TraceWriter::journal_failure() const {
  const std::lock_guard lock(mutex_);
  return journal_failure_;
}

bool TraceWriter::removed() const {
  const std::lock_guard lock(mutex_);
  return file_.removed();
}

}  // namespace sonde::trace
