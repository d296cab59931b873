#include "formats/onnx_tensor.h"

#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>

#include "formats/error.h"

namespace sonde::formats::onnx {
namespace {

using protozero::data_view;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

// Field numbers of TensorProto and StringStringEntryProto.
namespace tensor {
enum {
  dims = 1,
  data_type = 2,
  segment = 3,
  float_data = 4,
  int32_data = 5,
  string_data = 6,
  int64_data = 7,
  name = 8,
  raw_data = 9,
  double_data = 10,
  uint64_data = 11,
  external_data = 13,
  data_location = 14
};
}
namespace entry {
enum { key = 1, value = 2 };
}
enum { kUint4 = 21, kInt4 = 22 };  // data types

constexpr std::size_t kMostDimensions = 64;

std::string_view text(const data_view& view) { return {view.data(), view.size()}; }

class Reader {
 public:
  Reader(const Bytes& file, ExternalData& external) : file_(file), external_(external) {}

  void read(pbf_reader message) {
    while (message.next()) field(message);
  }

  Array result() {
    array_.name = name_;
    const auto dtype = dtype_numbered(data_type_);
    if (!dtype)
      throw FormatError(fmt::format("has elements of ONNX's type {}, wanted numbers of a known type", data_type_));
    array_.dtype = *dtype;
    const auto wanted = byte_count(array_.dtype, array_.shape);
    if (!wanted)
      throw FormatError(fmt::format("shape {} has a negative size or is beyond any memory", to_string(array_.shape)));
    if (is_external_) raw_ = external_.read(location_, offset_, length_);
    const bool packed = data_type_ == kUint4 || data_type_ == kInt4;
    if (is_external_ || has_raw_) {
      array_.bytes = packed && raw_.size() == (*wanted + 1) / 2 ? unpacked(*wanted) : raw_;
    } else {
      array_.bytes = Bytes::own(std::move(typed_));
    }
    if (array_.bytes.size() != *wanted || (!typed_.empty() && has_raw_)) {
      throw FormatError(fmt::format("an array of shape {} and type {} has {} bytes, but {} are there",
                                    to_string(array_.shape), name_of(array_.dtype), *wanted, array_.bytes.size()));
    }
    return std::move(array_);
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  void field(pbf_reader& message) {
    switch (message.tag_and_type()) {
      case tag_and_type(tensor::dims, pbf_wire_type::varint):
        add_size(message.get_int64());
        break;
      case tag_and_type(tensor::dims, pbf_wire_type::length_delimited):
        for (const std::int64_t size : message.get_packed_int64()) add_size(size);
        break;
      case tag_and_type(tensor::data_type, pbf_wire_type::varint):
        data_type_ = message.get_int32();
        break;
      case tag_and_type(tensor::segment, pbf_wire_type::length_delimited):
        throw FormatError("is in segments, wanted it whole");
      case tag_and_type(tensor::string_data, pbf_wire_type::length_delimited):
        throw FormatError("has texts, wanted numbers");
      case tag_and_type(tensor::name, pbf_wire_type::length_delimited):
        name_ = message.get_string();
        break;
      case tag_and_type(tensor::raw_data, pbf_wire_type::length_delimited): {
        const data_view view = message.get_view();
        raw_ = file_.part(static_cast<std::size_t>(view.data() - file_.text().data()), view.size());
        has_raw_ = true;
        break;
      }
      case tag_and_type(tensor::external_data, pbf_wire_type::length_delimited):
        external_entry(message.get_message());
        break;
      case tag_and_type(tensor::data_location, pbf_wire_type::varint):
        is_external_ = message.get_enum() == 1;
        break;
      default:
        typed_field(message);
    }
  }

  // The element type may come behind the elements, so these are kept as wide as their field is; ONNX's writers put it first.
  void typed_field(pbf_reader& message) {
    switch (message.tag_and_type()) {
      case tag_and_type(tensor::float_data, pbf_wire_type::length_delimited):
        append<float>(message.get_packed_float());
        break;
      case tag_and_type(tensor::float_data, pbf_wire_type::fixed32):
        append(message.get_float());
        break;
      case tag_and_type(tensor::double_data, pbf_wire_type::length_delimited):
        append<double>(message.get_packed_double());
        break;
      case tag_and_type(tensor::double_data, pbf_wire_type::fixed64):
        append(message.get_double());
        break;
      case tag_and_type(tensor::int64_data, pbf_wire_type::length_delimited):
        append<std::int64_t>(message.get_packed_int64());
        break;
      case tag_and_type(tensor::int64_data, pbf_wire_type::varint):
        append(message.get_int64());
        break;
      case tag_and_type(tensor::int32_data, pbf_wire_type::length_delimited):
        for (const std::int32_t value : message.get_packed_int32()) append_narrow(static_cast<std::uint32_t>(value));
        break;
      case tag_and_type(tensor::int32_data, pbf_wire_type::varint):
        append_narrow(static_cast<std::uint32_t>(message.get_int32()));
        break;
      case tag_and_type(tensor::uint64_data, pbf_wire_type::length_delimited):
        for (const std::uint64_t value : message.get_packed_uint64()) append_narrow(value);
        break;
      case tag_and_type(tensor::uint64_data, pbf_wire_type::varint):
        append_narrow(message.get_uint64());
        break;
      default:
        message.skip();
    }
  }

  template <typename T>
  void append(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    typed_.insert(typed_.end(), bytes, bytes + sizeof value);
  }
  template <typename T, typename Range>
  void append(const Range& values) {
    for (const T value : values) append(value);
  }
  // Elements narrower than their field: the low bytes.
  template <typename T>
  void append_narrow(T value) {
    const auto dtype = dtype_numbered(data_type_);
    const std::size_t width = dtype ? size_of(*dtype) : 0;
    if (width == 0 || width > sizeof value)
      throw FormatError("its elements come before their type or in a field too narrow for it");
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    typed_.insert(typed_.end(), bytes, bytes + width);
  }

  void add_size(std::int64_t size) {
    if (array_.shape.size() == kMostDimensions)
      throw FormatError(fmt::format("has more than {} dimensions", kMostDimensions));
    array_.shape.push_back(size);
  }

  void external_entry(pbf_reader message) {
    std::string_view key;
    std::string_view value;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(entry::key, pbf_wire_type::length_delimited):
          key = text(message.get_view());
          break;
        case tag_and_type(entry::value, pbf_wire_type::length_delimited):
          value = text(message.get_view());
          break;
        default:
          message.skip();
      }
    }
    if (key == "location") location_ = value;
    if (key == "offset") offset_ = number(value);
    if (key == "length") length_ = number(value);
  }
  static std::uint64_t number(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size())
      throw FormatError(fmt::format("the place of its data is {}, wanted a number", in_quotes(digits)));
    return value;
  }

  // Two elements a byte, the low half first.
  [[nodiscard]] Bytes unpacked(std::size_t count) const {
    std::vector<std::byte> elements(count);
    for (std::size_t i = 0; i < count; ++i) {
      unsigned value = std::to_integer<unsigned>(raw_.view()[i / 2]) >> (i % 2 * 4) & 0xf;
      if (data_type_ == kInt4 && value >= 8) value |= 0xf0;
      elements[i] = static_cast<std::byte>(value);
    }
    return Bytes::own(std::move(elements));
  }

  const Bytes& file_;
  ExternalData& external_;
  Array array_;
  std::string name_;
  std::int32_t data_type_ = 0;
  Bytes raw_;
  bool has_raw_ = false;
  std::vector<std::byte> typed_;
  bool is_external_ = false;
  std::string location_;
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> length_;
};

}  // namespace

std::optional<DType> dtype_numbered(std::int32_t data_type) noexcept {
  switch (data_type) {
    case 1:
      return DType::float32;
    case 2:
    case kUint4:
      return DType::uint8;
    case 3:
    case kInt4:
      return DType::int8;
    case 4:
      return DType::uint16;
    case 5:
      return DType::int16;
    case 6:
      return DType::int32;
    case 7:
      return DType::int64;
    case 9:
      return DType::boolean;
    case 10:
      return DType::float16;
    case 11:
      return DType::float64;
    case 12:
      return DType::uint32;
    case 13:
      return DType::uint64;
    case 14:
      return DType::complex64;
    case 15:
      return DType::complex128;
    case 16:
      return DType::bfloat16;
    case 17:
      return DType::float8_e4m3fn;
    case 18:
      return DType::float8_e4m3fnuz;
    case 19:
      return DType::float8_e5m2;
    case 20:
      return DType::float8_e5m2fnuz;
    default:
      return std::nullopt;
  }
}

Array read_tensor(const data_view& message, const Bytes& file, ExternalData& external) {
  Reader reader(file, external);
  try {
    reader.read(pbf_reader(message));
    return reader.result();
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("tensor {}: {}", in_quotes(reader.name()), error.what()));
  }
}

}  // namespace sonde::formats::onnx
