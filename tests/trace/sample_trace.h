// A small trace with something in every field.
#pragma once

#include <cstddef>
#include <string>

#include "trace/trace_file.h"

namespace sonde::trace {

[[nodiscard]] Site sample_site();
[[nodiscard]] Program sample_program();

// Two sites, the second added before record 2; two programs, the second from record 3 on.
[[nodiscard]] Trace sample_trace(std::size_t records);

[[nodiscard]] std::string bytes_of(const Trace& trace);

}  // namespace sonde::trace
