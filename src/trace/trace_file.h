// A trace: everything a session recorded, as plain data, and its file format.
//
// Replaying a trace through the analysis gives the findings of the live run. The format is described byte for byte in
// docs/trace-format.md. Thread-safety: none needed; a Trace is a value.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <vector>

#include "trace/catalog.h"
#include "trace/record.h"

namespace sonde::trace {

inline constexpr std::uint32_t kTraceFileVersion = 2;

struct Trace {
  std::vector<Site> sites;  // by id; the first one is the program. Without `frames`, which mean nothing elsewhere
  Program program;
  std::vector<Catalog::Unseen> unseen;
  std::vector<Record> records;  // in the order pushed
  std::uint64_t missing = 0;    // after read_trace(): records that the file announces but no longer holds
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

// Throw TraceError if the input is no trace, is of another version, ends before the first record, or has a record that
// cannot be one. A file that ends within the records is no error: every complete record is read, `missing` counts the
// others. Safe with any input; memory use is bounded by its size.
[[nodiscard]] Trace read_trace(std::istream& in);
[[nodiscard]] Trace load_trace(const std::string& path);

}  // namespace sonde::trace
