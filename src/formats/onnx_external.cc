#include "formats/onnx_external.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "formats/error.h"
#include "formats/file.h"

namespace sonde::formats::onnx {

namespace fs = std::filesystem;

const Bytes& ExternalData::file(const std::string& location) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  if (folder_.empty())
    throw FormatError(fmt::format("its data are in a file {}, and the model in none", in_quotes(location)));
  std::error_code error;
  const fs::path base = fs::weakly_canonical(folder_, error);
  const fs::path path = error || location.empty() || fs::path(location).is_absolute()
                            ? fs::path()
                            : fs::weakly_canonical(base / location, error);
  if (error || path.empty() || std::ranges::mismatch(base, path).in1 != base.end())
    throw FormatError(
        fmt::format("its data are said to be in {}, wanted a file in the model's folder", in_quotes(location)));
  return files_.emplace(location, map_file(path)).first->second;
}

Bytes ExternalData::read(const std::string& location, std::uint64_t offset, std::optional<std::uint64_t> length) {
  const Bytes& bytes = file(location);
  if (offset > bytes.size() || length.value_or(0) > bytes.size() - offset) {
    throw FormatError(fmt::format("its data are {} bytes from byte {} of {}, which has {}",
                                  length ? fmt::to_string(*length) : "the", offset, in_quotes(location), bytes.size()));
  }
  return bytes.part(offset, length.value_or(bytes.size() - offset));
}

}  // namespace sonde::formats::onnx
