#include "compare/tensors.h"

#include <cstring>
#include <limits>
#include <string>

#include <ATen/ATen.h>
#include <sonde/compare.h>
#include <torch/version.h>

namespace sonde::compare {
namespace {

using formats::DType;

// Elements that LibTorch has only in a wider type.
template <typename From, typename To>
at::Tensor widened(const formats::Array& array, at::ScalarType type) {
  at::Tensor tensor = at::empty(array.shape, at::TensorOptions(type));
  To* to = tensor.data_ptr<To>();
  for (std::size_t at = 0; at < array.bytes.size(); at += sizeof(From)) {
    From value{};
    std::memcpy(&value, array.bytes.data() + at, sizeof value);
    if constexpr (sizeof(From) == sizeof(To)) {
      if (value > static_cast<From>(std::numeric_limits<To>::max()))
        throw CompareError(array.name + ": got the uint64 value " + std::to_string(value) +
                           ", wanted at most that of int64");
    }
    *to++ = static_cast<To>(value);
  }
  return tensor;
}

}  // namespace

at::ScalarType scalar_type_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return at::kBool;
    case DType::uint8:
      return at::kByte;
    case DType::int8:
      return at::kChar;
    case DType::int16:
      return at::kShort;
    case DType::uint16:
    case DType::int32:
      return at::kInt;
    case DType::uint32:
    case DType::uint64:
    case DType::int64:
      return at::kLong;
    case DType::float16:
      return at::kHalf;
    case DType::bfloat16:
      return at::kBFloat16;
    case DType::float32:
      return at::kFloat;
    case DType::float64:
      return at::kDouble;
    case DType::complex64:
      return at::kComplexFloat;
    case DType::complex128:
      return at::kComplexDouble;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    case DType::float8_e4m3fn:
      return at::kFloat8_e4m3fn;
    case DType::float8_e4m3fnuz:
      return at::kFloat8_e4m3fnuz;
    case DType::float8_e5m2:
      return at::kFloat8_e5m2;
    case DType::float8_e5m2fnuz:
      return at::kFloat8_e5m2fnuz;
#endif
    default:
      break;
  }
  throw CompareError("got elements of type " + std::string(formats::name_of(dtype)) +
                     ", which this LibTorch does not have");
}

at::Tensor to_tensor(const formats::Array& array) {
  const at::ScalarType type = scalar_type_of(array.dtype);
  switch (array.dtype) {
    case DType::uint16:
      return widened<std::uint16_t, std::int32_t>(array, type);
    case DType::uint32:
      return widened<std::uint32_t, std::int64_t>(array, type);
    case DType::uint64:
      return widened<std::uint64_t, std::int64_t>(array, type);
    case DType::boolean: {  // a byte of another value than 0 and 1 is no bool
      at::Tensor bytes = at::empty(array.shape, at::TensorOptions(at::kByte));
      if (!array.bytes.empty()) std::memcpy(bytes.data_ptr(), array.bytes.data(), array.bytes.size());
      return bytes.to(at::kBool);
    }
    default:
      break;
  }
  at::Tensor tensor = at::empty(array.shape, at::TensorOptions(type));
  if (!array.bytes.empty()) std::memcpy(tensor.data_ptr(), array.bytes.data(), array.bytes.size());
  return tensor;
}

}  // namespace sonde::compare
