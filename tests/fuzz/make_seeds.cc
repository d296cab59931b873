// Writes the files that fuzzing starts from: whole traces and reports, small enough to be changed thoroughly.
#include <filesystem>
#include <iostream>

#include <sonde/report.h>

#include "tests/report/sample.h"
#include "tests/trace/sample_trace.h"
#include "trace/trace_file.h"

int main(int argc, char** argv) {
  using namespace sonde::trace;
  if (argc != 2) {
    std::cerr << "usage: make_seeds <folder>\n";
    return 2;
  }
  const std::filesystem::path folder(argv[1]);
  for (const std::size_t records : {0, 1, 5}) {
    Trace trace = sample_trace(records);
    store_trace(trace, folder / (std::to_string(records) + ".trace"));
    trace.snapshot = {records, "a report"};
    trace.overwritten = trace.first = 9;
    store_trace(trace, folder / (std::to_string(records) + "_wrapped.trace"));
  }
  sonde::report::healthy().save(folder / "healthy.json");
  sonde::report::sick().save(folder / "sick.json");
}
