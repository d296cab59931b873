// NumPy's array files, .npy: versions 1 to 3 of the format.
#pragma once

#include "formats/array.h"

namespace sonde::formats {

// Arrays in Fortran order or big-endian are rearranged; others point into `file`. Elements of kind V2 are bfloat16, as
// ml_dtypes writes it. Throws FormatError, also for elements that are no numbers (objects, strings, structures).
[[nodiscard]] Array read_npy(const Bytes& file);

}  // namespace sonde::formats
