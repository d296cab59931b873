#include "formats/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "formats/error.h"
#include "formats/npy_header.h"

namespace sonde::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "bytes of files are taken as they are");

struct Kind {
  std::string_view code;
  DType dtype;
};

constexpr Kind kKinds[] = {
    {"b1", DType::boolean},   {"u1", DType::uint8},       {"u2", DType::uint16},   {"u4", DType::uint32},
    {"u8", DType::uint64},    {"i1", DType::int8},        {"i2", DType::int16},    {"i4", DType::int32},
    {"i8", DType::int64},     {"f2", DType::float16},     {"f4", DType::float32},  {"f8", DType::float64},
    {"c8", DType::complex64}, {"c16", DType::complex128}, {"V2", DType::bfloat16},
};

DType dtype_of(std::string_view descr) {
  if (!descr.empty() && std::string_view("<>|=").find(descr.front()) != std::string_view::npos) {
    const auto found = std::ranges::find(kKinds, descr.substr(1), &Kind::code);
    if (found != std::end(kKinds)) return found->dtype;
  }
  throw FormatError(fmt::format("got elements of type {}, wanted numbers", in_quotes(descr)));
}

void to_little_endian(std::vector<std::byte>& bytes, DType dtype) {
  const bool complex = dtype == DType::complex64 || dtype == DType::complex128;
  const std::size_t width = size_of(dtype) / (complex ? 2 : 1);
  for (std::size_t at = 0; at + width <= bytes.size(); at += width)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + width));
}

// From the first dimension fastest to the last one fastest.
std::vector<std::byte> to_c_order(std::span<const std::byte> bytes, const std::vector<std::int64_t>& shape,
                                  std::size_t width) {
  std::vector<std::byte> result(bytes.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  std::vector<std::size_t> stride(shape.size());
  std::size_t step = width;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    stride[d] = step;
    step *= static_cast<std::size_t>(shape[d]);
  }
  std::size_t from = 0;
  for (std::size_t to = 0; to < bytes.size(); to += width) {
    std::memcpy(&result[to], &bytes[from], width);
    for (std::size_t d = shape.size(); d-- > 0;) {
      from += stride[d];
      if (++index[d] < shape[d]) break;
      from -= stride[d] * static_cast<std::size_t>(shape[d]);
      index[d] = 0;
    }
  }
  return result;
}

// The dictionary and where the elements begin.
struct Preamble {
  std::string_view header;
  std::size_t end;
};

Preamble preamble(std::string_view file) {
  constexpr std::string_view kMagic("\x93NUMPY", 6);
  if (!file.starts_with(kMagic) || file.size() < 10)
    throw FormatError("got no array of NumPy's, wanted \"\\x93NUMPY\" at the begin");
  const int version = static_cast<unsigned char>(file[6]);
  if (version < 1 || version > 3)
    throw FormatError(fmt::format("got version {} of the format, wanted 1, 2 or 3", version));
  const std::size_t width = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  if (file.size() < 8 + width) throw FormatError("ends within the length of its header");
  std::memcpy(&length, file.data() + 8, width);
  const std::size_t begin = 8 + width;
  if (length > file.size() - begin)
    throw FormatError(fmt::format("the header has {} bytes, but {} are left of the file", length, file.size() - begin));
  return {file.substr(begin, length), begin + length};
}

}  // namespace

Array read_npy(const Bytes& file) {
  const Preamble begin = preamble(file.text());
  NpyHeader header = parse_npy_header(begin.header);
  Array array;
  array.dtype = dtype_of(header.descr);
  array.shape = std::move(header.shape);
  const std::optional<std::size_t> wanted = byte_count(array.dtype, array.shape);
  const std::size_t left = file.size() - begin.end;
  if (!wanted || *wanted != left) {
    throw FormatError(fmt::format("an array of shape {} and type {} has {} bytes, but {} are there",
                                  to_string(array.shape), name_of(array.dtype),
                                  wanted ? fmt::to_string(*wanted) : "too many", left));
  }
  array.bytes = file.part(begin.end, left);
  const bool reversed = header.descr.front() == '>' && size_of(array.dtype) > 1;
  if (reversed) {
    std::vector<std::byte> bytes(array.bytes.view().begin(), array.bytes.view().end());
    to_little_endian(bytes, array.dtype);
    array.bytes = Bytes::own(std::move(bytes));
  }
  if (header.fortran_order && array.shape.size() > 1 && left > 0)
    array.bytes = Bytes::own(to_c_order(array.bytes.view(), array.shape, size_of(array.dtype)));
  return array;
}

}  // namespace sonde::formats
