// A trace: everything a session recorded, as plain data, and its file format.
//
// Replaying a trace through the analysis gives the findings of the live run. The format is described byte for byte in
// docs/trace-format.md; a running session writes it through TraceWriter (trace_writer.h). Thread-safety: none needed; a
// Trace is a value.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <sonde/options.h>

#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::trace {

// What a session was told, as far as its report depends on it.
struct RunFacts {
  std::string name = "sonde";
  std::string sonde_version = {};  // of the library that recorded it; empty: this one
  OnFault on_fault = OnFault::report;
  bool all_habits = false;
  std::vector<std::string> rules_off = {};
  std::vector<std::string> own_rules = {};  // names
};

// What was known at some moment of the run. The bytes mean something to whoever made them (runtime/snapshot.h).
struct Snapshot {
  std::uint64_t position = 0;  // records that it takes into account
  std::string bytes;           // empty: there is none
};

// Something that a file should hold and does not.
struct Loss {
  std::string what;  // "records", "bytes of the catalog" ...
  std::uint64_t count = 0;
};

struct Trace {
  RunFacts run;
  std::vector<Site> sites;  // by id; the first one is the program. Without `frames`, which mean nothing elsewhere
  std::vector<ProgramChange> programs;
  std::vector<Catalog::Unseen> unseen;
  std::vector<Record> records;    // in the order pushed
  std::uint64_t first = 0;        // the number of the first of them, counted from the begin of the run without wrapping
  std::uint64_t dropped = 0;      // records that found the ring full
  std::uint64_t overwritten = 0;  // older records that gave way to newer ones, or were not kept
  Snapshot snapshot;
  bool closed = true;      // false: the session did not end in good order, or has not ended yet
  std::vector<Loss> lost;  // damage, as read_trace() found it
};

// What is wrong with a trace file, and where; the message begins with the name of the file if there is one.
class TraceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[nodiscard]] Trace make_trace(const Catalog& catalog, std::vector<Record> records);

// Fills an empty catalog with what the trace knows of the program. REQUIRES: nothing was added to `catalog` before.
void restore(const Trace& trace, Catalog& catalog);

// Throw TraceError if the output fails.
void write_trace(const Trace& trace, std::ostream& out);
void store_trace(const Trace& trace, const std::string& path);

// Throw TraceError if the input is no trace or of another version. Whatever else is wrong with it, what is sound is
// returned, and Trace::lost says what is not. Safe with any input; time and memory are bounded by its size.
[[nodiscard]] Trace read_trace(std::span<const char> bytes);
// The file may be written to meanwhile: records up to some moment of the reading are there.
[[nodiscard]] Trace load_trace(const std::string& path);

}  // namespace sonde::trace
