// Writes the files that fuzzing starts from: whole traces, reports and files of arrays and
// models, small enough to be changed thoroughly.
#include <filesystem>
#include <fstream>
#include <iostream>

#include <sonde/report.h>

#include "tests/formats/sample_files.h"
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
  namespace formats = sonde::formats;
  const auto write = [&folder](const char* name, const std::string& bytes) { std::ofstream(folder / name) << bytes; };
  write("array.npy", formats::sample_npy());
  write("stored.npz", formats::zip({{"a.npy", formats::sample_npy()}, {"b.npy", formats::sample_npy()}}, false));
  write("deflated.npz", formats::zip({{"a.npy", formats::sample_npy()}}, true));
  write("arrays.safetensors", formats::sample_safetensors());
  write("model.onnx", formats::sample_onnx());
  write("nested.onnx", formats::nested_onnx(3));
  write("four_bits.onnx", formats::onnx_with_tensor({.data_type = 22, .dims = {3}, .raw = "ab"}));
  sonde::report::healthy().save(folder / "healthy.json");
  sonde::report::sick().save(folder / "sick.json");
}
