#include "report/format.h"

#include <sstream>

#include "report/text.h"
#include "report/whole_file.h"

namespace sonde {
namespace report {
namespace {

std::string as_text(const Report& report, std::string_view /*source_root*/) {
  std::ostringstream out;
  report.print(out);
  return out.str();
}

std::string as_json(const Report& report, std::string_view /*source_root*/) { return report.to_json() + '\n'; }

std::string as_json_lines(const Report& report, std::string_view /*source_root*/) { return report.to_json_lines(); }

std::string as_sarif(const Report& report, std::string_view source_root) { return report.to_sarif(source_root) + '\n'; }

std::string as_html(const Report& report, std::string_view /*source_root*/) { return report.to_html(); }

std::string listed(const char* Format::*field) {
  std::string text;
  for (const Format& format : formats()) {
    if (!text.empty()) text += ", ";
    text += format.*field;
  }
  return text;
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all{{"text", ".txt", as_text},
                                       {"json", ".json", as_json},
                                       {"jsonl", ".jsonl", as_json_lines},
                                       {"sarif", ".sarif", as_sarif},
                                       {"html", ".html", as_html}};
  return all;
}

const Format* format_named(std::string_view name) {
  for (const Format& format : formats()) {
    if (name == format.name) return &format;
  }
  return nullptr;
}

const Format* format_of_file(std::string_view path) {
  for (const Format& format : formats()) {
    if (path.ends_with(format.ending)) return &format;
  }
  return nullptr;
}

std::string names_of_formats() { return listed(&Format::name); }
std::string endings_of_formats() { return listed(&Format::ending); }

}  // namespace report

void Report::save(const std::string& path) const {
  const report::Format* format = report::format_of_file(path);
  if (format == nullptr) {
    throw ReportError(report::clean(path) + ": no known format; names end in " + report::endings_of_formats());
  }
  report::write_whole_file(path, format->write(*this, {}));
}

}  // namespace sonde
