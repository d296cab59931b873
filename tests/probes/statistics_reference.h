// The statistics once more, one element at a time and in long double: what the vector code is compared with.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "probes/statistics.h"

namespace sonde::probes::testing {

inline float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const float sign = (bits & 0x8000) ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

// Truncates: good enough to make test data.
inline std::uint16_t float_to_half(float value) {
  if (std::isnan(value)) return 0x7e00;
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float magnitude = std::abs(value);
  if (magnitude >= 65536) return sign | 0x7c00;
  if (magnitude < 0x1p-14f) return sign | static_cast<std::uint16_t>(std::ldexp(magnitude, 24));
  int exponent = 0;
  const float fraction = std::frexp(magnitude, &exponent);
  return static_cast<std::uint16_t>(sign | ((exponent + 14) << 10) |
                                    (static_cast<int>(std::ldexp(fraction, 11)) & 1023));
}

// Memory of one element type, written and read as double.
class Memory {
 public:
  Memory(ScalarType type, std::size_t n) : type_(type), bytes_(n * size_of(type)) {}

  static std::size_t size_of(ScalarType type) {
    return type == ScalarType::float64 ? 8 : type == ScalarType::float32 ? 4 : 2;
  }

  void set(std::size_t i, double value) {
    std::byte* at = bytes_.data() + i * size_of(type_);
    const auto single = static_cast<float>(value);
    switch (type_) {
      case ScalarType::float64:
        std::memcpy(at, &value, 8);
        break;
      case ScalarType::float32:
        std::memcpy(at, &single, 4);
        break;
      case ScalarType::float16: {
        const std::uint16_t bits = float_to_half(single);
        std::memcpy(at, &bits, 2);
        break;
      }
      case ScalarType::bfloat16: {
        std::uint32_t bits;
        std::memcpy(&bits, &single, 4);
        const auto upper = static_cast<std::uint16_t>(bits >> 16);
        std::memcpy(at, &upper, 2);
        break;
      }
    }
  }

  double get(std::size_t i) const {
    const std::byte* at = bytes_.data() + i * size_of(type_);
    double value;
    float single;
    std::uint16_t bits;
    switch (type_) {
      case ScalarType::float64:
        std::memcpy(&value, at, 8);
        return value;
      case ScalarType::float32:
        std::memcpy(&single, at, 4);
        return single;
      case ScalarType::float16:
        std::memcpy(&bits, at, 2);
        return half_to_float(bits);
      case ScalarType::bfloat16:
        break;
    }
    std::memcpy(&bits, at, 2);
    const std::uint32_t wide = std::uint32_t{bits} << 16;
    std::memcpy(&single, &wide, 4);
    return single;
  }

  // Normal numbers with one exact zero in eight.
  void fill_normal(std::uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal(0.25, 2.0);
    for (std::size_t i = 0; i < size(); ++i) set(i, random() % 8 == 0 ? 0.0 : normal(random));
  }

  std::size_t size() const { return bytes_.size() / size_of(type_); }
  ScalarType type() const { return type_; }
  const std::byte* data() const { return bytes_.data(); }

 private:
  ScalarType type_;
  std::vector<std::byte> bytes_;  // exactly as long as the data: a sanitizer sees every step beyond
};

struct Shape {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;

  static Shape contiguous(std::vector<std::int64_t> sizes) {
    std::vector<std::int64_t> strides(sizes.size());
    std::int64_t stride = 1;
    for (std::size_t k = sizes.size(); k-- > 0;) {
      strides[k] = stride;
      stride *= sizes[k];
    }
    return {std::move(sizes), std::move(strides)};
  }

  TensorView of(const Memory& memory) const {
    return {memory.data() + offset * static_cast<std::int64_t>(Memory::size_of(memory.type())), memory.type(), sizes,
            strides};
  }
};

struct Reference {
  trace::TensorStats stats;
  std::vector<double> unit_maxima;  // +inf for a unit that is not finite
  double mean_magnitude = 0;        // the scale of rounding errors of the mean
};

inline Reference reference(const Memory& memory, const Shape& shape, int unit_dimension = -1,
                           const Tails* tails = nullptr) {
  Reference result;
  trace::TensorStats& stats = result.stats;
  stats.min = INFINITY;
  stats.max = -INFINITY;
  if (unit_dimension >= 0) result.unit_maxima.resize(static_cast<std::size_t>(shape.sizes[unit_dimension]));
  long double sum = 0, squares = 0, magnitudes = 0;
  std::uint64_t finite = 0, beyond = 0;
  std::vector<std::int64_t> index(shape.sizes.size());
  std::int64_t elements = 1;
  for (const auto size : shape.sizes) elements *= size;
  for (std::int64_t i = 0; i < elements; ++i) {
    std::int64_t at = shape.offset;
    for (std::size_t k = 0; k < index.size(); ++k) at += index[k] * shape.strides[k];
    const double x = memory.get(static_cast<std::size_t>(at));
    ++stats.count;
    if (std::isfinite(x)) {
      ++finite;
      sum += x;
      squares += static_cast<long double>(x) * x;
      magnitudes += std::abs(x);
      stats.zeros += x == 0;
      stats.min = std::min(stats.min, x);
      stats.max = std::max(stats.max, x);
      if (tails) beyond += x < tails->low || x > tails->high;
    } else {
      stats.nan += std::isnan(x);
      stats.positive_infinity += x > 0;
      stats.negative_infinity += x < 0;
    }
    if (unit_dimension >= 0) {
      double& maximum = result.unit_maxima[static_cast<std::size_t>(index[static_cast<std::size_t>(unit_dimension)])];
      maximum = std::max(maximum, std::isfinite(x) ? std::abs(x) : INFINITY);
    }
    for (std::size_t k = index.size(); k-- > 0;) {
      if (++index[k] < shape.sizes[k]) break;
      index[k] = 0;
    }
  }
  if (finite > 0) {
    stats.mean = static_cast<double>(sum / finite);
    stats.mean_square = static_cast<double>(squares / finite);
    stats.beyond = static_cast<float>(static_cast<double>(beyond) / static_cast<double>(finite));
    result.mean_magnitude = static_cast<double>(magnitudes / finite);
  }
  return result;
}

}  // namespace sonde::probes::testing
