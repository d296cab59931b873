// NumPy's archives of arrays, .npz: zip files of .npy files.
#pragma once

#include <vector>

#include "formats/array.h"

namespace sonde::formats {

// In the order of the archive, names without ".npy". Throws FormatError, with the name of the array.
[[nodiscard]] std::vector<Array> read_npz(const Bytes& file);

}  // namespace sonde::formats
