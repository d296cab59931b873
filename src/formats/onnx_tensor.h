// TensorProto, ONNX's form of an array.
#pragma once

#include <optional>

#include <protozero/data_view.hpp>

#include "formats/array.h"
#include "formats/onnx_external.h"

namespace sonde::formats::onnx {

// ONNX's number of an element type. 4-bit integers are read into 8 bits.
[[nodiscard]] std::optional<DType> dtype_numbered(std::int32_t data_type) noexcept;

// `message` is a part of `file`; raw data are not copied. Throws FormatError or protozero::exception.
[[nodiscard]] Array read_tensor(const protozero::data_view& message, const Bytes& file, ExternalData& external);

}  // namespace sonde::formats::onnx
