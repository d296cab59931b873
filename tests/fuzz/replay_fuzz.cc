// Whatever the reader returns can be analysed, and its report written.
#include <cstddef>
#include <cstdint>

#include "runtime/replay.h"
#include "trace/trace_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)sonde::runtime::replay(sonde::trace::read_trace({reinterpret_cast<const char*>(data), size})).to_json();
  } catch (const sonde::trace::TraceError&) {}
  return 0;
}
