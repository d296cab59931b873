#include "formats/onnx_value.h"

#include <algorithm>

#include <fmt/format.h>

#include "formats/error.h"
#include "formats/onnx_tensor.h"

namespace sonde::formats::onnx {
namespace {

using protozero::pbf_reader;

constexpr auto kVarint = protozero::pbf_wire_type::varint;
constexpr auto kBytes = protozero::pbf_wire_type::length_delimited;
constexpr std::size_t kMostDimensions = 64;

// Field numbers.
namespace value {
enum { name = 1, type = 2 };
}
namespace type {
enum { tensor = 1 };
}
namespace tensor_type {
enum { elem_type = 1, shape = 2 };
}
namespace shape {
enum { dim = 1 };
}
namespace dimension {
enum { dim_value = 1 };
}

std::vector<std::int64_t> shape_of(pbf_reader message) {
  std::vector<std::int64_t> sizes;
  while (message.next(shape::dim, kBytes)) {
    if (sizes.size() == kMostDimensions)
      throw FormatError(fmt::format("a value has more than {} dimensions", kMostDimensions));
    sizes.push_back(-1);
    pbf_reader dim = message.get_message();
    while (dim.next(dimension::dim_value, kVarint)) sizes.back() = std::max<std::int64_t>(dim.get_int64(), -1);
  }
  return sizes;
}

void read_type(pbf_reader message, Value& result) {
  while (message.next(type::tensor, kBytes)) {
    pbf_reader tensor = message.get_message();
    while (tensor.next()) {
      switch (tensor.tag_and_type()) {
        case tag_and_type(tensor_type::elem_type, kVarint):
          result.dtype = dtype_numbered(tensor.get_int32());
          break;
        case tag_and_type(tensor_type::shape, kBytes):
          result.shape = shape_of(tensor.get_message());
          break;
        default:
          tensor.skip();
      }
    }
  }
}

}  // namespace

Value read_value(pbf_reader message) {
  Value result;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(value::name, kBytes):
        result.name = message.get_string();
        break;
      case tag_and_type(value::type, kBytes):
        read_type(message.get_message(), result);
        break;
      default:
        message.skip();
    }
  }
  return result;
}

}  // namespace sonde::formats::onnx
