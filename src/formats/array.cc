#include "formats/array.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sonde::formats {
namespace {

struct Element {
  std::string_view name;
  std::size_t size;
};

// In the order of DType.
constexpr std::array<Element, 19> kElements{{
    {"bool", 1},
    {"uint8", 1},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"float8_e4m3fn", 1},
    {"float8_e4m3fnuz", 1},
    {"float8_e5m2", 1},
    {"float8_e5m2fnuz", 1},
    {"float16", 2},
    {"bfloat16", 2},
    {"float32", 4},
    {"float64", 8},
    {"complex64", 8},
    {"complex128", 16},
}};

}  // namespace

std::size_t size_of(DType dtype) noexcept { return kElements[static_cast<std::size_t>(dtype)].size; }

std::string_view name_of(DType dtype) noexcept { return kElements[static_cast<std::size_t>(dtype)].name; }

Bytes Bytes::own(std::vector<std::byte> bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const std::span<const std::byte> view = *owner;
  return {view, std::move(owner)};
}

Bytes Bytes::own(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const auto view = std::as_bytes(std::span<const char>(*owner));
  return {view, std::move(owner)};
}

Bytes Bytes::borrow(std::string_view bytes) { return {std::as_bytes(std::span<const char>(bytes)), nullptr}; }

std::optional<std::size_t> byte_count(DType dtype, std::span<const std::int64_t> shape) noexcept {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  std::uint64_t stretch = size_of(dtype);  // with zeros taken as ones: strides are computed of it
  bool none = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    none = none || size == 0;
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (factor > kMost / stretch) return std::nullopt;
    stretch *= factor;
  }
  return none ? 0 : static_cast<std::size_t>(stretch);
}

std::string to_string(std::span<const std::int64_t> shape) { return fmt::format("({})", fmt::join(shape, ", ")); }

}  // namespace sonde::formats
