// Little-endian encoding of what is no record in trace files: numbers, strings and lists of them.
//
// One description of a struct serves both directions: `transfer(codec, value)` with an Encoder writes the value, with a
// Decoder fills it. What is read is bounded by the bytes that are there, never by a length found in them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace sonde::trace {

static_assert(std::endian::native == std::endian::little, "trace files are little-endian, and copied as they are");

class Encoder {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void operator()(const T& value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    bytes_.append(bytes, sizeof(T));
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  template <typename T>
  void operator()(const std::vector<T>& list) {
    (*this)(static_cast<std::uint32_t>(list.size()));
    for (const T& value : list) (*this)(value);
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

// Throws std::out_of_range when the bytes end too early.
class Decoder {
 public:
  explicit Decoder(std::span<const char> bytes) : rest_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void operator()(T& value) {
    const auto bytes = take(sizeof(T));
    if constexpr (std::is_same_v<T, bool>) {
      value = bytes[0] != 0;  // any other byte than 0 and 1 in a bool is undefined behaviour
    } else {
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
  }
  void operator()(std::string& text) {
    const auto bytes = take(length());
    text.assign(bytes.data(), bytes.size());
  }
  template <typename T>
  void operator()(std::vector<T>& list) {
    // Element by element, so that a length beyond the end fails before it costs memory.
    list.clear();
    for (std::uint32_t left = length(); left > 0; --left) (*this)(list.emplace_back());
  }
  [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }

 private:
  std::uint32_t length() {
    std::uint32_t value = 0;
    (*this)(value);
    return value;
  }
  std::span<const char> take(std::size_t count) {
    if (count > rest_.size()) throw std::out_of_range("ends within a value");
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::span<const char> rest_;
};

// `one(codec, element)` for each; a length found in a damaged file costs no memory before its elements are read.
template <typename Codec, typename List, typename One>
void transfer_list(Codec& codec, List& list, const One& one) {
  if constexpr (std::is_const_v<List>) {
    codec(static_cast<std::uint32_t>(list.size()));
    for (const auto& element : list) one(codec, element);
  } else {
    std::uint32_t left = 0;
    for (codec(left), list.clear(); left > 0; --left) one(codec, list.emplace_back());
  }
}

}  // namespace sonde::trace
