// What a monitor said about one run, read back from its report's JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <sonde/finding.h>

namespace sonde::faults {

// A place as the report gives it; the source line plays no part in scoring.
struct Place {
  std::string layer, part, operation;
};

struct Blame {
  std::string cause;
  double confidence = 0;
  Place where;
};

struct Seen {
  Severity severity = Severity::warning;
  std::string kind, message;
  std::int64_t step = 0;  // of the origin
  Place where;
  std::vector<Blame> causes;  // best first
};

// From Report::to_json(). Throws nlohmann::json::exception or std::runtime_error on another layout.
[[nodiscard]] std::vector<Seen> read_findings(const nlohmann::json& report);

// "error wrong-loss 0.90 at loss, step 3", for people.
[[nodiscard]] std::string to_text(const Seen& seen);
[[nodiscard]] std::string to_text(const Place& place);

}  // namespace sonde::faults
