// The payloads of a journal's entries (docs/trace-format.md), each way.
#pragma once

#include <span>
#include <string>

#include "trace/catalog.h"
#include "trace/trace_file.h"

namespace sonde::trace {

[[nodiscard]] std::string encode(const RunFacts& run);
[[nodiscard]] std::string encode(const Site& site);
[[nodiscard]] std::string encode(const SourceLine& source);
[[nodiscard]] std::string encode(const Program& program);
[[nodiscard]] std::string encode_unseen(const std::string& what, const std::string& reason);

// False if the bytes are no such thing; the value is then anything.
[[nodiscard]] bool decode(std::span<const char> bytes, RunFacts& run);
[[nodiscard]] bool decode(std::span<const char> bytes, Site& site);
[[nodiscard]] bool decode(std::span<const char> bytes, SourceLine& source);
[[nodiscard]] bool decode(std::span<const char> bytes, Program& program);
[[nodiscard]] bool decode(std::span<const char> bytes, Catalog::Unseen& unseen);  // but for its count

}  // namespace sonde::trace
