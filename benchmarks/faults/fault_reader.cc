#include <string_view>

#include "faults/readers.h"

#include <sonde/finding.h>

namespace sonde::faults {
namespace {

bool known_cause(std::string_view name) {
  for (int i = 0; i < static_cast<int>(Cause::unknown); ++i) {
    if (to_string(static_cast<Cause>(i)) == name) return true;
  }
  return false;
}

std::string read_cause(Fields& fields, bool may_be_null) {
  const json* value = fields.find("cause");
  if (value == nullptr && may_be_null) return "";
  const std::string cause = fields.text("cause");
  if (!known_cause(cause)) throw CaseError(fields.path("cause"), "a cause of the format's list", "\"" + cause + "\"");
  return cause;
}

Where read_where(Fields& fields) {
  Fields place(fields.need("where", "{\"layer\": NAME} or {\"part\": PART}"), fields.path("where"));
  Where where;
  if (place.find("layer") != nullptr) {
    where.layer = place.text("layer");
  } else {
    where.part = place.choice("part", {"loss", "optimizer", "data", "labels", "loop", "model"});
  }
  place.done();
  return where;
}

Fault read_fault(const json& value, const std::string& path) {
  Fields fields(value, path);
  Fault fault;
  fault.scored = fields.boolean_or("scored", true);
  fault.answers.push_back({read_cause(fields, !fault.scored), read_where(fields)});
  if (const json* also = fields.find("also")) {
    if (!also->is_array()) throw CaseError(fields.path("also"), "a list of answers", describe(*also));
    for (std::size_t i = 0; i < also->size(); ++i) {
      Fields other((*also)[i], fields.path("also") + "/" + std::to_string(i));
      fault.answers.push_back({read_cause(other, false), read_where(other)});
      other.done();
    }
  }
  fields.allow({"why_not", "rule", "fix", "published", "paper_count", "paper_cause"});
  fields.done();
  return fault;
}

}  // namespace

std::vector<Fault> read_faults(const json& value, const std::string& path) {
  if (!value.is_array()) throw CaseError(path, "a list of faults", describe(value));
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < value.size(); ++i) faults.push_back(read_fault(value[i], path + "/" + std::to_string(i)));
  return faults;
}

std::vector<Answer> read_extra_faults(const json& value, const std::string& path) {
  std::vector<Answer> answers;
  for (const Fault& fault : read_faults(value, path)) {
    answers.insert(answers.end(), fault.answers.begin(), fault.answers.end());
  }
  return answers;
}

}  // namespace sonde::faults
