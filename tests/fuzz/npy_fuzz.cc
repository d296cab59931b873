// Whatever the bytes are, the reader of .npy returns arrays that have the bytes their shapes say, or throws FormatError.
#include "arrays_fuzz.h"

#include "formats/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sonde::formats::fuzz_arrays(data, size, [](const auto& file) { return std::vector{sonde::formats::read_npy(file)}; });
  return 0;
}
