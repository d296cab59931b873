// TraceWriter: the trace file of a running session. Everything is in it the moment it happens.
//
// The rings of the producing threads lie in the file (lanes), with the counter that numbers the records; the catalog
// tells each change (journal); and the last report can be kept (snapshot), for when older records have been overwritten.
// The layout is in layout.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "trace/journal.h"
#include "trace/layout.h"
#include "trace/mapped_file.h"
#include "trace/record.h"
#include "trace/ring.h"
#include "trace/trace_file.h"

namespace sonde::trace {

// Thread-safety: all members may be called from any thread, but the destructor.
class TraceWriter final : public Journal {
 public:
  static constexpr std::size_t kLanes = 64;
  static constexpr std::uint64_t kJournalBytes = std::uint64_t{64} << 20;

  // `lane_records`: how many records each thread's lane holds, a power of two. Throws TraceError as MappedFile does.
  TraceWriter(const std::string& path, std::size_t lane_records, const RunFacts& run);

  [[nodiscard]] Sequence& sequence() noexcept { return header_->sequence; }

  // Memory for one more ring, valid as long as this. Throws TraceError if there is no space, or there are kLanes.
  [[nodiscard]] Ring<Record>::Memory add_lane();

  // Replaces the last one but one; whatever moment the process is killed at, the last whole one can be read. Throws
  // TraceError if there is no space.
  void write_snapshot(std::span<const char> bytes, std::uint64_t position);

  // The session ends in good order; nothing is pushed any more.
  void close() noexcept;

  // Why the journal is not complete, empty if it is.
  [[nodiscard]] std::string journal_failure() const;
  [[nodiscard]] bool removed() const;

  void site_added(const Site& site) noexcept override;
  void source_found(std::uint32_t site, const SourceLine& source) noexcept override;
  void program_changed(const Program& program, std::uint64_t position) noexcept override;
  void not_observed(const std::string& what, const std::string& reason, std::uint64_t count) noexcept override;

 private:
  struct SnapshotChunk {
    std::span<std::byte> bytes;  // both halves
    std::uint64_t generation = 0;
  };

  ChunkHeader& append_chunk(ChunkKind kind, std::size_t size);
  // Returns where the entry lies.
  char* append_entry(const std::string& entry);
  template <typename Append>
  void keep(const Append& append) noexcept;

  const std::size_t lane_records_;
  mutable std::mutex mutex_;
  MappedFile file_;
  FileHeader* header_;
  std::size_t lanes_ = 0;

  ChunkHeader* journal_ = nullptr;
  std::uint64_t journal_filled_ = 0;  // bytes of the current chunk
  std::uint64_t journal_total_ = 0;   // bytes of all
  std::string journal_failure_;
  std::map<std::pair<std::string, std::string>, std::uint64_t*> counts_;  // of entries of what was not observed

  SnapshotChunk snapshot_;
};

}  // namespace sonde::trace
