// Activations that somebody dumped while the reference ran.
#pragma once

#include <string>

#include <sonde/compare.h>

namespace sonde::compare {

// A .npz or .safetensors file, or a folder of .npy files. In the order of the numbers in their names where every name has
// one that no other has (its first or else its last), else as the archive has them, and by name in a folder and in .safetensors,
// whose writers order by size. Throws CompareError.
[[nodiscard]] Model load_dump(const std::string& path);

}  // namespace sonde::compare
