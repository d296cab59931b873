// The reader of reports takes any bytes: it refuses them with a ReportError, or what it read is written and read again to the
// same text, and every writer can write it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

#include <sonde/report.h>

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sonde::Report report;
  try {
    report = sonde::report_from_json({reinterpret_cast<const char*>(data), size});
  } catch (const sonde::ReportError& error) {
    require(std::string_view(error.what()).size() > 10, "an error that says nothing");
    return 0;
  }
  const std::string json = report.to_json();
  require(sonde::report_from_json(json).to_json() == json, "read again, the report is another one");
  std::ostringstream text;
  report.print(text);
  require(!text.str().empty(), "a report without a word");
  require(!report.to_sarif("/src").empty(), "no SARIF");
  require(report.to_json_lines().ends_with('\n'), "a line without an end");
  return 0;
}
