#include "formats/npz.h"

#include <string_view>

#include <fmt/format.h>

#include "formats/error.h"
#include "formats/npy.h"
#include "formats/zip.h"

namespace sonde::formats {

std::vector<Array> read_npz(const Bytes& file) {
  constexpr std::string_view kSuffix = ".npy";
  std::vector<Array> arrays;
  for (const ZipEntry& entry : read_zip_directory(file)) {
    if (!entry.name.ends_with(kSuffix))
      throw FormatError(fmt::format("the archive has a file {}, wanted arrays ({})", in_quotes(entry.name), kSuffix));
    const Bytes content = read_zip_entry(file, entry);
    try {
      arrays.push_back(read_npy(content));
    } catch (const FormatError& error) {
      throw FormatError(fmt::format("{}: {}", in_quotes(entry.name), error.what()));
    }
    arrays.back().name = entry.name.substr(0, entry.name.size() - kSuffix.size());
  }
  return arrays;
}

}  // namespace sonde::formats
