#include "report/sarif_place.h"

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "report/place.h"
#include "report/text.h"
#include "report/uri.h"

namespace sonde::report {
namespace {

// Of the places a finding names, best first.
std::vector<const SourceLine*> lines_of(const Finding& finding) {
  std::vector<const SourceLine*> lines{&finding.origin.where.source};
  for (const RankedCause& cause : finding.causes) lines.push_back(&cause.where.source);
  for (const Symptom& symptom : finding.followed_by) lines.push_back(&symptom.where.source);
  return lines;
}

const SourceLine* first_known(const std::vector<const SourceLine*>& lines) {
  for (const SourceLine* line : lines) {
    if (line->known()) return line;
  }
  return nullptr;
}

// "head.log/aten::log/forward".
std::string qualified_name(const Location& where) {
  const std::string operation = where.operation.empty() ? "" : fmt::format("/{}", clean(where.operation));
  return fmt::format("{}{}/{}", short_name(where), operation, to_string(where.phase));
}

}  // namespace

std::string fingerprint(std::string_view rule, const Location& where) {
  const std::string_view file = where.source.file;
  const std::string text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", rule, where.layer, where.part, where.operation,
                                       to_string(where.phase), file.substr(file.find_last_of('/') + 1));
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

SarifPlaces::SarifPlaces(const Report& report, std::string_view root) : root_(root) {
  if (!root_.empty() && !root_.ends_with('/')) root_ += '/';
  for (const Finding& finding : report.findings) {
    if (any_ == nullptr) any_ = first_known(lines_of(finding));
  }
}

SarifPlaces::Json SarifPlaces::root() const { return {{"uri", file_uri(root_)}}; }

SarifPlaces::Json SarifPlaces::physical(const SourceLine& source) const {
  Json artifact;
  if (const std::string_view inside = below(source.file, root_); !inside.empty()) {
    artifact = {{"uri", uri_path(inside)}, {"uriBaseId", kRootId}};
  } else {
    artifact = {{"uri", source.file.starts_with('/') ? file_uri(source.file) : uri_path(source.file)}};
  }
  Json place{{"artifactLocation", std::move(artifact)}};
  if (source.line > 0) place["region"] = {{"startLine", source.line}};
  return place;
}

SarifPlaces::Json SarifPlaces::location(const Location& where) const {
  Json location = Json::object();
  if (where.source.known()) location["physicalLocation"] = physical(where.source);
  Json names = Json::array({{{"name", short_name(where)},
                             {"fullyQualifiedName", qualified_name(where)},
                             {"kind", where.layer.empty() ? "object" : "member"},
                             {"properties",
                              {{"layer", where.layer},
                               {"part", where.part},
                               {"operation", where.operation},
                               {"phase", to_string(where.phase)}}}}});
  if (!where.source.function.empty()) names.push_back({{"name", clean(where.source.function)}, {"kind", "function"}});
  location["logicalLocations"] = std::move(names);
  return location;
}

SarifPlaces::Json SarifPlaces::location_of(const Finding& finding) const {
  Json place = location(finding.origin.where);
  if (place.contains("physicalLocation")) return place;
  const SourceLine* nearest = first_known(lines_of(finding));
  if (nearest == nullptr) nearest = any_;
  if (nearest != nullptr) place["physicalLocation"] = physical(*nearest);
  return place;
}

}  // namespace sonde::report
