#include "faults/findings.h"

#include <stdexcept>

#include <fmt/format.h>

namespace sonde::faults {
namespace {

Severity severity_named(const std::string& name) {
  for (Severity severity : {Severity::advice, Severity::warning, Severity::error}) {
    if (to_string(severity) == name) return severity;
  }
  throw std::runtime_error("a report with the severity " + name);
}

Place read_place(const nlohmann::json& where) {
  return {where.value("layer", ""), where.value("part", ""), where.value("operation", "")};
}

}  // namespace

std::vector<Seen> read_findings(const nlohmann::json& report) {
  std::vector<Seen> findings;
  for (const nlohmann::json& finding : report.at("findings")) {
    const nlohmann::json& origin = finding.at("origin");
    Seen seen{severity_named(finding.at("severity").get<std::string>()),
              origin.at("kind").get<std::string>(),
              origin.at("message").get<std::string>(),
              origin.at("step").get<std::int64_t>(),
              read_place(origin.at("where")),
              {}};
    for (const nlohmann::json& cause : finding.at("causes")) {
      seen.causes.push_back(
          {cause.at("cause").get<std::string>(), cause.at("confidence").get<double>(), read_place(cause.at("where"))});
    }
    findings.push_back(std::move(seen));
  }
  return findings;
}

std::string to_text(const Place& place) {
  if (!place.layer.empty()) return "layer " + place.layer;
  return place.part.empty() ? "?" : place.part;
}

std::string to_text(const Seen& seen) {
  const std::string cause = seen.causes.empty()
                                ? seen.kind
                                : fmt::format("{} {:.2f}", seen.causes.front().cause, seen.causes.front().confidence);
  const Place& where = seen.causes.empty() ? seen.where : seen.causes.front().where;
  return fmt::format("{} {} at {}, step {}", to_string(seen.severity), cause, to_text(where), seen.step);
}

}  // namespace sonde::faults
