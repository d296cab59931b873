// Arrays of files as tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "formats/array.h"

namespace sonde::compare {

// Its own memory, on the CPU. LibTorch computes with no unsigned integers but uint8: these become the next wider signed
// type, uint64 becomes int64. Throws CompareError for types that this LibTorch does not have, and values that do not fit.
[[nodiscard]] at::Tensor to_tensor(const formats::Array& array);

[[nodiscard]] at::ScalarType scalar_type_of(formats::DType dtype);  // after widening; throws CompareError

}  // namespace sonde::compare
