// The layout of a trace file as structs that are mapped, written and read as they lie; docs/trace-format.md says the
// same in words.
//
// A file is a header and then chunks, one behind the other, each with a size that its header tells; between them there may
// be zeros. Everything that a
// running session changes is one aligned number, stored last and with release: whatever moment the process is killed
// at, what the file announces is there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "trace/record.h"
#include "trace/sequence.h"

namespace sonde::trace {

inline constexpr std::uint32_t kTraceFileVersion = 3;
inline constexpr std::array<char, 8> kFileMagic{'S', 'O', 'N', 'D', 'E', 'T', 'R', 'C'};
inline constexpr std::array<char, 8> kChunkMagic{'S', 'O', 'N', 'D', 'E', 'C', 'H', 'K'};
inline constexpr std::uint32_t kEntryMagic = 0x4e544e45;  // "ENTN"

struct FileHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t record_size;
  Sequence sequence;
  alignas(kCacheLine) std::atomic<std::uint32_t> closed;  // 1: the session ended in good order
  std::atomic<std::uint32_t> incomplete;                  // 1: the journal could not hold everything
  alignas(kCacheLine) std::array<char, kCacheLine> unused;
};
static_assert(sizeof(FileHeader) == 256 && offsetof(FileHeader, sequence) == 64 && offsetof(FileHeader, closed) == 128);

enum class ChunkKind : std::uint32_t { journal = 1, lane = 2, snapshot = 3 };

// Chunks begin at multiples of kCacheLine.
struct ChunkHeader {
  std::array<char, 8> magic;
  ChunkKind kind;
  std::uint32_t checksum;                                  // of kind, size and offset
  std::uint64_t size;                                      // of the whole chunk
  std::uint64_t offset;                                    // in the file
  alignas(kCacheLine) std::array<char, kCacheLine> state;  // lane: RingEnd; journal: u64 bytes of entries; else unused
};
static_assert(sizeof(ChunkHeader) == 128 && offsetof(ChunkHeader, state) == 64);
[[nodiscard]] std::uint32_t checksum_of(ChunkKind kind, std::uint64_t size, std::uint64_t offset) noexcept;
// Makes a chunk of zeroed memory; the magic comes last.
void begin_chunk(ChunkHeader& header, ChunkKind kind, std::uint64_t size, std::uint64_t offset) noexcept;

// The chunk of a lane goes on with its slots, one record each.

// The chunk of a journal goes on with entries at multiples of 8 bytes: this, and `length` bytes of payload.
enum class EntryKind : std::uint32_t { run = 1, site = 2, source = 3, program = 4, unseen = 5 };
struct JournalEntry {
  std::uint32_t magic;
  std::uint32_t checksum;  // of kind, id, length, position and payload
  EntryKind kind;
  std::uint32_t id;        // site, source: the site's number
  std::uint64_t position;  // site, program: records pushed before
  std::uint64_t count;     // unseen: how often, overwritten in place
  std::uint64_t length;
};
static_assert(sizeof(JournalEntry) == 40);
[[nodiscard]] std::uint32_t checksum_of(const JournalEntry& entry, std::span<const char> payload) noexcept;
// A whole entry; the other arguments as in JournalEntry.
[[nodiscard]] std::string make_entry(EntryKind kind, std::uint32_t id, std::uint64_t position, std::uint64_t count,
                                     const std::string& payload);

// The chunk of a snapshot goes on with two halves, written in turn: this, and `length` bytes.
struct SnapshotHeader {
  std::uint64_t generation;  // the greater is the newer; 0 if there is none
  std::uint64_t position;    // records that the snapshot takes into account
  std::uint64_t length;
  std::uint32_t checksum;  // of the three, and the payload
  std::uint32_t unused;
};
static_assert(sizeof(SnapshotHeader) == 32);
[[nodiscard]] std::uint32_t checksum_of(const SnapshotHeader& header, std::span<const char> payload) noexcept;

// Records are stored as they lie in memory.
static_assert(offsetof(Record, site) == 4 && offsetof(Record, step) == 8 && offsetof(Record, time_ns) == 16);
static_assert(offsetof(Record, position) == 24 && offsetof(Record, sequence) == 28 && offsetof(Record, tensor) == 32);
static_assert(sizeof(TensorStats) == 96 && offsetof(TensorStats, min) == 40 && offsetof(TensorStats, units) == 72 &&
              offsetof(TensorStats, beyond) == 84 && offsetof(TensorStats, aux) == 88);
static_assert(offsetof(StepFacts, step_nanoseconds) == 32 && offsetof(StepFacts, backwards) == 48 &&
              offsetof(StepFacts, non_finite_loss) == 56 && offsetof(StepFacts, training_mode) == 61);
static_assert(offsetof(ContractFacts, seen) == 4 && offsetof(ContractFacts, got) == 8 &&
              offsetof(ContractFacts, shape_a) == 24 && offsetof(ContractFacts, shape_b) == 56);
static_assert(offsetof(OriginFacts, operands) == 2 && offsetof(OriginFacts, count) == 8 &&
              offsetof(OriginFacts, operand) == 40 && offsetof(OriginFacts, lower) == 64 &&
              offsetof(OriginFacts, dtype_max) == 72);

}  // namespace sonde::trace
