// ValueInfoProto, what an ONNX graph says of an input or output.
#pragma once

#include <protozero/pbf_reader.hpp>

#include "formats/onnx.h"

namespace sonde::formats::onnx {

// Throws FormatError or protozero::exception.
[[nodiscard]] Value read_value(protozero::pbf_reader message);

}  // namespace sonde::formats::onnx
