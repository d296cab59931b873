#include "sample_files.h"

#include <zlib.h>
#include <protozero/pbf_writer.hpp>

namespace sonde::formats {
namespace {

using protozero::pbf_writer;

template <typename T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string deflate_raw(const std::string& content) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&z, content.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(result.data());
  z.avail_out = static_cast<uInt>(result.size());
  deflate(&z, Z_FINISH);
  result.resize(z.total_out);
  deflateEnd(&z);
  return result;
}

std::string node_message(std::string_view operation, const std::vector<std::string>& inputs, const std::string& output,
                         const std::vector<std::string>& attributes = {}) {
  std::string bytes;
  pbf_writer node(bytes);
  for (const std::string& input : inputs) node.add_string(1, input);
  node.add_string(2, output);
  node.add_string(4, std::string(operation));
  for (const std::string& attribute : attributes) node.add_message(5, attribute);
  return bytes;
}

std::string graph_attribute(const std::string& name, const std::string& graph) {
  std::string bytes;
  pbf_writer attribute(bytes);
  attribute.add_string(1, name);
  attribute.add_message(6, graph);
  attribute.add_enum(20, 5);
  return bytes;
}

std::string value_message(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::string bytes;
  pbf_writer value(bytes);
  value.add_string(1, name);
  pbf_writer type(value, 2);
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, 1);
  pbf_writer sizes(tensor, 2);
  for (const std::int64_t size : shape) {
    pbf_writer one(sizes, 1);
    if (size < 0) {
      one.add_string(2, "N");
    } else {
      one.add_int64(1, size);
    }
  }
  return bytes;
}

std::string model_message(const std::string& graph) {
  std::string bytes;
  pbf_writer model(bytes);
  model.add_int64(1, 8);
  model.add_string(2, "sonde");
  {
    pbf_writer set(model, 8);
    set.add_string(1, "");
    set.add_int64(2, 17);
  }
  model.add_message(7, graph);
  return bytes;
}

}  // namespace

std::string npy(std::string_view dictionary, std::string_view elements) {
  return std::string("\x93NUMPY\x01\x00", 8) + little(static_cast<std::uint16_t>(dictionary.size())) +
         std::string(dictionary) + std::string(elements);
}

std::string sample_npy() {
  return npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n",
             bytes_of(std::vector<float>{0, 1, 2, 3, 4, 5}));
}

std::string zip(const std::vector<std::pair<std::string, std::string>>& files, bool deflated) {
  std::string archive;
  std::string directory;
  for (const auto& [name, content] : files) {
    const std::string stored = deflated ? deflate_raw(content) : content;
    const std::string common =
        little<std::uint16_t>(20) + little<std::uint16_t>(0) + little<std::uint16_t>(deflated ? 8 : 0) +
        little<std::uint32_t>(0) +
        little(static_cast<std::uint32_t>(
            crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())))) +
        little(static_cast<std::uint32_t>(stored.size())) + little(static_cast<std::uint32_t>(content.size())) +
        little(static_cast<std::uint16_t>(name.size())) + little<std::uint16_t>(0);
    directory += "PK\x01\x02" + little<std::uint16_t>(20) + common + std::string(10, '\0') +
                 little(static_cast<std::uint32_t>(archive.size())) + name;
    archive += "PK\x03\x04" + common + name + stored;
  }
  const auto count = static_cast<std::uint16_t>(files.size());
  return archive + directory + "PK\x05\x06" + std::string(4, '\0') + little(count) + little(count) +
         little(static_cast<std::uint32_t>(directory.size())) + little(static_cast<std::uint32_t>(archive.size())) +
         std::string(2, '\0');
}

std::string safetensors(std::string_view header, std::string_view data) {
  return little<std::uint64_t>(header.size()) + std::string(header) + std::string(data);
}

std::string sample_safetensors() {
  return safetensors(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"BF16","shape":[1,3],"data_offsets":[8,14]}})",
      bytes_of(std::vector<float>{1, -2}) + bytes_of(std::vector<std::uint16_t>{0x3f80, 0x4000, 0xbf80}));
}

std::string tensor_message(const TensorFields& fields) {
  std::string bytes;
  pbf_writer tensor(bytes);
  tensor.add_packed_int64(1, fields.dims.begin(), fields.dims.end());
  tensor.add_int32(2, fields.data_type);
  if (!fields.floats.empty()) tensor.add_packed_float(4, fields.floats.begin(), fields.floats.end());
  if (!fields.int32s.empty()) tensor.add_packed_int32(5, fields.int32s.begin(), fields.int32s.end());
  tensor.add_string(8, fields.name);
  if (!fields.raw.empty()) tensor.add_bytes(9, fields.raw);
  for (const auto& [key, value] : fields.external) {
    pbf_writer entry(tensor, 13);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  if (!fields.external.empty()) tensor.add_enum(14, 1);
  return bytes;
}

std::string onnx_with_tensor(const TensorFields& fields) {
  std::string graph;
  pbf_writer writer(graph);
  writer.add_message(5, tensor_message(fields));
  return model_message(graph);
}

std::string sample_onnx() {
  std::string branch;
  {
    pbf_writer writer(branch);
    writer.add_message(1, node_message("Relu", {"g"}, "r"));
    writer.add_message(12, value_message("r", {-1, 2}));
  }
  std::string alpha;
  {
    pbf_writer attribute(alpha);
    attribute.add_string(1, "alpha");
    attribute.add_float(2, 0.5F);
    attribute.add_enum(20, 1);
  }
  std::string graph;
  pbf_writer writer(graph);
  writer.add_message(1, node_message("Gemm", {"x", "w", "b"}, "g", {alpha}));
  writer.add_message(1, node_message("If", {"c"}, "y", {graph_attribute("then_branch", branch)}));
  writer.add_string(2, "net");
  writer.add_message(5, tensor_message({.name = "w", .dims = {2, 2}, .raw = bytes_of(std::vector<float>{1, 2, 3, 4})}));
  writer.add_message(5, tensor_message({.name = "b", .dims = {2}, .floats = {5, 6}}));
  writer.add_message(11, value_message("x", {-1, 2}));
  writer.add_message(12, value_message("y", {-1, 2}));
  return model_message(graph);
}

std::string nested_onnx(int depth) {
  std::string graph;
  for (int i = 0; i < depth; ++i) {
    std::string outer;
    pbf_writer(outer).add_message(1, node_message("If", {}, "y", {graph_attribute("then_branch", graph)}));
    graph = outer;
  }
  return model_message(graph);
}

}  // namespace sonde::formats
