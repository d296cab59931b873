// Whatever the bytes are, the reader returns what is sound or throws TraceError, and what it returns can be written and
// read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "trace/trace_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sonde::trace;
  try {
    const Trace trace = read_trace({reinterpret_cast<const char*>(data), size});
    for (const Record& record : trace.records)
      if (record.site >= trace.sites.size()) std::abort();
    if (size % 16 != 0) return 0;  // not each time: writing is slower than reading
    std::ostringstream out;
    write_trace(trace, out);
    const Trace again = read_trace(out.str());
    if (again.records.size() != trace.records.size() || again.sites.size() != trace.sites.size()) std::abort();
  } catch (const TraceError&) {}
  return 0;
}
