// Small files of each format, made byte by byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sonde::formats {

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Version 1, with the dictionary as it is given.
std::string npy(std::string_view dictionary, std::string_view elements);
// float32, shape (2, 3): 0 to 5.
std::string sample_npy();

// Files as a zip archive.
std::string zip(const std::vector<std::pair<std::string, std::string>>& files, bool deflated);

std::string safetensors(std::string_view header, std::string_view data);
std::string sample_safetensors();

// A Relu behind a Gemm with initializers w (2, 2) as raw data and b (2) as typed data, and an If with subgraphs.
std::string sample_onnx();
// TensorProto: data_type, dims and one field.
struct TensorFields {
  std::string name = "t";
  std::int32_t data_type = 1;
  std::vector<std::int64_t> dims = {};
  std::string raw = {};
  std::vector<float> floats = {};
  std::vector<std::int32_t> int32s = {};
  std::vector<std::pair<std::string, std::string>> external = {};
};
std::string tensor_message(const TensorFields& fields);
std::string onnx_with_tensor(const TensorFields& fields);
// As many graphs within graphs.
std::string nested_onnx(int depth);

}  // namespace sonde::formats
