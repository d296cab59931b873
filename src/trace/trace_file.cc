#include "trace/trace_file.h"

#include <fstream>
#include <ostream>
#include <utility>

#include "trace/catalog_codec.h"
#include "trace/layout.h"
#include "trace/ring.h"

namespace sonde::trace {
namespace {

std::string journal_of(const Trace& trace) {
  std::string entries = make_entry(EntryKind::run, 0, 0, 0, encode(trace.run));
  for (std::size_t id = 1; id < trace.sites.size(); ++id) {
    const Site& site = trace.sites[id];
    entries += make_entry(EntryKind::site, static_cast<std::uint32_t>(id), site.since, 0, encode(site));
  }
  for (const ProgramChange& change : trace.programs)
    entries += make_entry(EntryKind::program, 0, change.since, 0, encode(change.program));
  for (const auto& unseen : trace.unseen)
    entries += make_entry(EntryKind::unseen, 0, 0, unseen.count, encode_unseen(unseen.what, unseen.reason));
  return entries;
}

template <typename T>
std::span<const char> bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

class Output {
 public:
  explicit Output(std::ostream& out) : out_(out) {}

  void put(std::span<const char> bytes) {
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    written_ += bytes.size();
  }

  void put_chunk(ChunkKind kind, std::span<const char> state, std::initializer_list<std::span<const char>> body) {
    std::uint64_t size = sizeof(ChunkHeader);
    for (const auto part : body) size += part.size();
    const std::uint64_t rounded = (size + kCacheLine - 1) / kCacheLine * kCacheLine;
    ChunkHeader header{};
    begin_chunk(header, kind, rounded, written_);
    std::copy(state.begin(), state.end(), header.state.begin());
    put(bytes_of(header));
    for (const auto part : body) put(part);
    put(std::string(rounded - size, '\0'));
  }

 private:
  std::ostream& out_;
  std::uint64_t written_ = 0;
};

}  // namespace

Trace make_trace(const Catalog& catalog, std::vector<Record> records) {
  Trace trace;
  trace.sites = catalog.sites();
  for (Site& site : trace.sites) site.frames.clear();
  trace.programs = catalog.programs();
  trace.unseen = catalog.unseen();
  trace.records = std::move(records);
  return trace;
}

void restore(const Trace& trace, Catalog& catalog) { catalog.restore(trace.sites, trace.programs, trace.unseen); }

void write_trace(const Trace& trace, std::ostream& out) {
  const std::uint64_t next = trace.first + trace.records.size();
  std::string header(sizeof(FileHeader), '\0');
  const auto set = [&](std::size_t offset, const auto& value) {
    std::copy_n(bytes_of(value).data(), sizeof(value), header.data() + offset);
  };
  set(offsetof(FileHeader, magic), kFileMagic);
  set(offsetof(FileHeader, version), kTraceFileVersion);
  set(offsetof(FileHeader, record_size), static_cast<std::uint32_t>(sizeof(Record)));
  set(offsetof(FileHeader, sequence), next);
  set(offsetof(FileHeader, closed), std::uint32_t{trace.closed});
  Output output(out);
  output.put(header);

  const std::string journal = journal_of(trace);
  output.put_chunk(ChunkKind::journal, bytes_of(std::uint64_t{journal.size()}), {journal});

  // A ring that was never full, or, if older records are gone, one that is: the spare slot is the one written next.
  const std::uint64_t slots = trace.records.size() + 1;
  const std::uint64_t tail = trace.records.size() + trace.overwritten;
  std::string end(sizeof(RingEnd<>), '\0');
  std::copy_n(bytes_of(tail).data(), sizeof(tail), end.data() + offsetof(RingEnd<>, tail));
  std::copy_n(bytes_of(trace.dropped).data(), sizeof(trace.dropped), end.data() + offsetof(RingEnd<>, dropped));
  std::vector<Record> lane(slots);
  for (std::uint64_t i = 0; i < trace.records.size(); ++i) lane[(trace.overwritten + i) % slots] = trace.records[i];
  output.put_chunk(ChunkKind::lane, end, {{reinterpret_cast<const char*>(lane.data()), slots * sizeof(Record)}});

  if (!trace.snapshot.bytes.empty()) {
    const std::string& bytes = trace.snapshot.bytes;
    SnapshotHeader first{1, trace.snapshot.position, bytes.size(), 0, 0};
    first.checksum = checksum_of(first, bytes);
    const std::string padding((bytes.size() + kCacheLine - 1) / kCacheLine * kCacheLine - bytes.size(), '\0');
    const std::string second(sizeof(SnapshotHeader) + bytes.size() + padding.size(), '\0');
    output.put_chunk(ChunkKind::snapshot, {}, {bytes_of(first), bytes, padding, second});
  }
  if (!out.flush()) throw TraceError("the trace could not be written");
}

void store_trace(const Trace& trace, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  if (!out) throw TraceError(path + ": cannot be written");
  try {
    write_trace(trace, out);
  } catch (const TraceError& error) { throw TraceError(path + ": " + error.what()); }
}

}  // namespace sonde::trace
