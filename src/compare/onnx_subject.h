// An ONNX model, run through ATen's operators.
#pragma once

#include <string>

#include <sonde/compare.h>

namespace sonde::compare {

// Throws CompareError: no such file, no model, or an operator that cannot be run.
[[nodiscard]] Model load_onnx(const std::string& path);

}  // namespace sonde::compare
