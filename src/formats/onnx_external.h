// The files beside an ONNX model in which its large tensors are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "formats/array.h"

namespace sonde::formats::onnx {

class ExternalData {
 public:
  // Empty: there are no such files.
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // `length` absent: to the end of the file. Throws FormatError if `location` is absolute or leads out of the folder, links
  // included, or if the file has fewer bytes.
  [[nodiscard]] Bytes read(const std::string& location, std::uint64_t offset, std::optional<std::uint64_t> length);

 private:
  [[nodiscard]] const Bytes& file(const std::string& location);

  const std::filesystem::path folder_;
  std::map<std::string, Bytes> files_;
};

}  // namespace sonde::formats::onnx
