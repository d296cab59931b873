// Prints what a file has, a line an array: name, type, shape and the bytes in hexadecimal. What is refused is said, in a line
// that begins with "refused".
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "formats/error.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/onnx.h"
#include "formats/safetensors.h"

namespace {

using namespace sonde::formats;

void print(const Array& array) {
  std::printf("%s %s %s ", array.name.c_str(), std::string(name_of(array.dtype)).c_str(),
              to_string(array.shape).c_str());
  for (const std::byte byte : array.bytes.view()) std::printf("%02x", std::to_integer<unsigned>(byte));
  std::printf("\n");
}

void print(const onnx::Graph& graph, const std::string& indent) {
  for (const Array& array : graph.initializers) print(array);
  for (const onnx::Node& node : graph.nodes) {
    std::printf("%snode %s", indent.c_str(), node.operation.c_str());
    for (const std::string& input : node.inputs) std::printf(" %s", input.c_str());
    std::printf(" ->");
    for (const std::string& output : node.outputs) std::printf(" %s", output.c_str());
    std::printf("\n");
    for (const onnx::Attribute& attribute : node.attributes) {
      std::printf("%s  %s %.9g %lld %s", indent.c_str(), attribute.name.c_str(), attribute.real,
                  static_cast<long long>(attribute.integer), attribute.text.c_str());
      for (const float number : attribute.reals) std::printf(" %.9g", number);
      for (const std::int64_t number : attribute.integers) std::printf(" %lld", static_cast<long long>(number));
      for (const std::string& text : attribute.texts) std::printf(" %s", text.c_str());
      std::printf("\n");
      for (const Array& array : attribute.tensors) print(array);
      for (const onnx::Graph& subgraph : attribute.graphs) print(subgraph, indent + "  ");
    }
  }
}

std::vector<Array> arrays_of(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return {read_file(path, read_npy)};
  if (path.extension() == ".npz") return read_file(path, read_npz);
  return read_file(path, read_safetensors);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path(argv[i]);
    std::printf("file %s\n", path.filename().c_str());
    try {
      if (path.extension() == ".onnx") {
        print(read_file(path, [&](const Bytes& file) { return onnx::read_onnx(file, path.parent_path()); }).graph, "");
      } else {
        for (const Array& array : arrays_of(path)) print(array);
      }
    } catch (const FormatError& error) { std::printf("refused %s\n", error.what()); }
  }
}
