// The safetensors format: a JSON header and the arrays behind it.
#pragma once

#include <vector>

#include "formats/array.h"

namespace sonde::formats {

// In the order of their bytes. Checked as the format demands: the arrays fill the file without a hole or an overlap.
// "__metadata__" is passed over. Throws FormatError, with the name of the array.
[[nodiscard]] std::vector<Array> read_safetensors(const Bytes& file);

}  // namespace sonde::formats
