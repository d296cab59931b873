#include "report/place.h"

#include <string_view>

#include <fmt/format.h>

#include "report/text.h"

namespace sonde::report {
namespace {

std::string_view part_name(std::string_view part) {
  if (part == "data") return "the input data";
  if (part == "labels") return "the labels";
  if (part == "loop") return "the training loop";
  if (part == "loss") return "the loss";
  if (part == "metric") return "the user's metric";
  if (part == "optimizer") return "the optimizer";
  if (part == "model" || part.empty()) return "the model";
  return part;
}

// Whether it says something that this part of the program was seen in this phase: "gradient of the model" does,
// "forward of the optimizer" does not.
bool phase_matters(const Location& location) {
  if (!location.layer.empty()) return true;
  return (location.part == "model" || location.part.empty()) && location.phase != Phase::forward;
}

}  // namespace

std::string short_name(const Location& location) {
  return clean(location.layer.empty() ? part_name(location.part) : std::string_view(location.layer));
}

std::string describe(const Location& location) {
  std::string text = short_name(location);
  if (phase_matters(location)) text = fmt::format("{} of {}", to_string(location.phase), text);
  if (!location.operation.empty()) text += fmt::format(" ({})", clean(location.operation));
  return text;
}

std::string describe(const SourceLine& source) {
  if (!source.known()) return source.function.empty() ? std::string() : "in " + clean(source.function);
  const std::string file = clean(source.file);
  return fmt::format("{}:{}", file.substr(file.find_last_of('/') + 1), source.line);
}

}  // namespace sonde::report
