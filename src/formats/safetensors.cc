#include "formats/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/error.h"

namespace sonde::formats {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLongestHeader = 100'000'000;  // as the format's own readers

struct Kind {
  std::string_view name;
  DType dtype;
};

constexpr Kind kKinds[] = {
    {"BOOL", DType::boolean},
    {"U8", DType::uint8},
    {"U16", DType::uint16},
    {"U32", DType::uint32},
    {"U64", DType::uint64},
    {"I8", DType::int8},
    {"I16", DType::int16},
    {"I32", DType::int32},
    {"I64", DType::int64},
    {"F8_E4M3", DType::float8_e4m3fn},
    {"F8_E4M3FNUZ", DType::float8_e4m3fnuz},
    {"F8_E5M2", DType::float8_e5m2},
    {"F8_E5M2FNUZ", DType::float8_e5m2fnuz},
    {"F16", DType::float16},
    {"BF16", DType::bfloat16},
    {"F32", DType::float32},
    {"F64", DType::float64},
    {"C64", DType::complex64},
};

struct Placed {
  Array array;
  std::uint64_t begin;
  std::uint64_t end;
};

std::uint64_t count(const json& value, std::string_view what) {
  if (!value.is_number_unsigned()) throw FormatError(fmt::format("{} is not a whole number of 0 or more", what));
  return value.get<std::uint64_t>();
}

const json& field(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw FormatError(fmt::format("has no field \"{}\"", name));
  return *found;
}

Placed placed(const json& described) {
  if (!described.is_object()) throw FormatError("is described by no object");
  const json& dtype = field(described, "dtype");
  const json& shape = field(described, "shape");
  const json& offsets = field(described, "data_offsets");
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2)
    throw FormatError("wanted dtype as a string, shape as a list and data_offsets as a list of two");
  const auto kind = std::ranges::find(kKinds, std::string_view(dtype.get_ref<const std::string&>()), &Kind::name);
  if (kind == std::end(kKinds))
    throw FormatError(
        fmt::format("has elements of type {}, which is not known", in_quotes(dtype.get_ref<const std::string&>())));
  Placed result{{}, count(offsets[0], "an offset"), count(offsets[1], "an offset")};
  result.array.dtype = kind->dtype;
  for (const json& size : shape) {
    const std::uint64_t value = count(size, "a size");
    result.array.shape.push_back(static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX)));
  }
  const auto wanted = byte_count(result.array.dtype, result.array.shape);
  if (!wanted || result.end < result.begin || *wanted != result.end - result.begin) {
    throw FormatError(fmt::format("an array of shape {} and type {} has {} bytes, but is said to have bytes {} to {}",
                                  to_string(result.array.shape), name_of(result.array.dtype),
                                  wanted ? fmt::to_string(*wanted) : "too many", result.begin, result.end));
  }
  return result;
}

json header_of(std::string_view file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length) throw FormatError(fmt::format("got {} bytes, wanted at least 8", file.size()));
  std::memcpy(&length, file.data(), sizeof length);
  const std::uint64_t most = std::min<std::uint64_t>(file.size() - sizeof length, kLongestHeader);
  if (length > most)
    throw FormatError(fmt::format("got a header of {} bytes, wanted at most {}: no safetensors file, or a part of one",
                                  length, most));
  json header = json::parse(file.substr(sizeof length, length), nullptr, false);
  if (!header.is_object()) throw FormatError("its header is no JSON object");
  return header;
}

}  // namespace

std::vector<Array> read_safetensors(const Bytes& file) {
  const json header = header_of(file.text());
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  std::vector<Placed> all;
  for (const auto& [name, described] : header.items()) {
    if (name == "__metadata__") continue;
    try {
      all.push_back(placed(described));
    } catch (const FormatError& error) { throw FormatError(fmt::format("{}: {}", in_quotes(name), error.what())); }
    all.back().array.name = name;
  }
  std::ranges::sort(all, {}, [](const Placed& one) { return std::pair(one.begin, one.end); });

  const Bytes data = file.part(sizeof length + length, file.size() - sizeof length - length);
  std::vector<Array> arrays;
  std::uint64_t end = 0;
  for (Placed& one : all) {
    if (one.begin != end || one.end > data.size()) {
      throw FormatError(fmt::format("{}: bytes {} to {} of {}, wanted them to begin at {}, where the one before ends",
                                    in_quotes(one.array.name), one.begin, one.end, data.size(), end));
    }
    one.array.bytes = data.part(one.begin, one.end - one.begin);
    end = one.end;
    arrays.push_back(std::move(one.array));
  }
  if (end != data.size()) throw FormatError(fmt::format("{} bytes are behind the last array", data.size() - end));
  return arrays;
}

}  // namespace sonde::formats
