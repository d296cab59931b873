// The formats a report can be written in, by their names and by the endings of file names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sonde/report.h>

namespace sonde::report {

struct Format {
  const char* name;    // "json", as the command's --format takes it
  const char* ending;  // ".json"
  std::string (*write)(const Report& report, std::string_view source_root);
};

[[nodiscard]] const std::vector<Format>& formats();

// nullptr if there is none.
[[nodiscard]] const Format* format_named(std::string_view name);
[[nodiscard]] const Format* format_of_file(std::string_view path);

// "text, json, jsonl, sarif, html"; ".txt, .json, .jsonl, .sarif, .html".
[[nodiscard]] std::string names_of_formats();
[[nodiscard]] std::string endings_of_formats();

}  // namespace sonde::report
