// Whatever the bytes are, the reader of .onnx returns a graph whose tensors have the bytes their shapes say, or throws
// FormatError.
#include "arrays_fuzz.h"

#include "formats/onnx.h"
#include "formats/onnx_functions.h"

namespace {

void check(const sonde::formats::onnx::Graph& graph) {
  sonde::formats::check_arrays(graph.initializers);
  for (const auto& node : graph.nodes) {
    for (const auto& attribute : node.attributes) {
      sonde::formats::check_arrays(attribute.tensors);
      for (const auto& subgraph : attribute.graphs) check(subgraph);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sonde::formats;
  const Bytes file = Bytes::borrow({reinterpret_cast<const char*>(data), size});
  (void)onnx::is_onnx(file);
  try {
    onnx::Model model = onnx::read_onnx(file, {});
    onnx::inline_functions(model);
    check(model.graph);
  } catch (const FormatError& error) { check_message(error); }
  return 0;
}
