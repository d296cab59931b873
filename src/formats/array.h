// An array as a file holds it: element type, shape and bytes, without a tensor library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sonde::formats {

enum class DType : std::uint8_t {
  boolean,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float8_e4m3fn,
  float8_e4m3fnuz,
  float8_e5m2,
  float8_e5m2fnuz,
  float16,
  bfloat16,
  float32,
  float64,
  complex64,
  complex128,
};

[[nodiscard]] std::size_t size_of(DType dtype) noexcept;  // bytes of an element
[[nodiscard]] std::string_view name_of(DType dtype) noexcept;

// Bytes, and what keeps them: a mapped file or a buffer, shared by all that points into it.
class Bytes {
 public:
  Bytes() = default;
  // `owner` may be null if the caller keeps the bytes.
  Bytes(std::span<const std::byte> view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)) {}
  [[nodiscard]] static Bytes own(std::vector<std::byte> bytes);
  [[nodiscard]] static Bytes own(std::string bytes);
  [[nodiscard]] static Bytes borrow(std::string_view bytes);

  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
  [[nodiscard]] const std::byte* data() const noexcept { return view_.data(); }
  [[nodiscard]] std::span<const std::byte> view() const noexcept { return view_; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(view_.data()), view_.size()};
  }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }
  // REQUIRES: begin + count <= size().
  [[nodiscard]] Bytes part(std::size_t begin, std::size_t count) const { return {view_.subspan(begin, count), owner_}; }

 private:
  std::span<const std::byte> view_;
  std::shared_ptr<const void> owner_;
};

// bytes.size() is the product of the shape times size_of(dtype): readers see to it. Little-endian, in C order; not
// necessarily aligned.
struct Array {
  std::string name = {};
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape = {};
  Bytes bytes = {};
};

// The bytes that an array of this shape has; nothing if a dimension is negative or the sizes are beyond any memory (2^48
// bytes), also when another dimension is 0.
[[nodiscard]] std::optional<std::size_t> byte_count(DType dtype, std::span<const std::int64_t> shape) noexcept;

[[nodiscard]] std::string to_string(std::span<const std::int64_t> shape);  // "(3, 4)"

}  // namespace sonde::formats
