// Whatever the bytes are, the reader of .npz returns arrays that have the bytes their shapes say, or throws FormatError.
#include "arrays_fuzz.h"

#include "formats/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sonde::formats::fuzz_arrays(data, size, sonde::formats::read_npz);
  return 0;
}
