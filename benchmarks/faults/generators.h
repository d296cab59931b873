// Data for the cases: deterministic, the same for every runner (see README.md for the definitions).
#pragma once

#include <filesystem>

#include "faults/case.h"

namespace sonde::faults {

// A dense array in row-major order; the first dimension counts the samples.
struct Array {
  Shape shape;
  std::vector<double> values;

  [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(shape.front()); }
  [[nodiscard]] std::size_t row_size() const { return shape.front() == 0 ? 0 : values.size() / rows(); }
};

// Inputs and raw targets, before rescaling and encoding. Targets are class numbers (shape {n}) unless `encoded`.
struct Samples {
  Array x;
  Array y;
  bool encoded = false;
};

struct Dataset {
  Array x;
  Array y;
  bool y_integral = false;  // class numbers, for losses that take indices
};

// The generator's output alone. Throws std::runtime_error if `digits` cannot be read.
[[nodiscard]] Samples generate(const DataSpec& data, const std::filesystem::path& digits);

// Everything: generation, the optional defects, rescaling, label encoding.
[[nodiscard]] Dataset make_dataset(const DataSpec& data, const std::filesystem::path& digits);

// Shapes of a sample without making it: of the input, and of the target (empty shape: one number a sample).
[[nodiscard]] Shape sample_shape(const DataSpec& data);
[[nodiscard]] Shape target_shape(const DataSpec& data);

// The classes of the samples: i mod k, or with the given share of class 0.
[[nodiscard]] std::vector<std::int64_t> class_sequence(const DataSpec& data);

// Used by generate().
[[nodiscard]] Samples generate_digits(const DataSpec& data, const std::filesystem::path& digits);
[[nodiscard]] Samples generate_patterns(const DataSpec& data);

}  // namespace sonde::faults
