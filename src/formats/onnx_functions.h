// Operators that an ONNX file defines itself.
#pragma once

#include "formats/onnx.h"

namespace sonde::formats::onnx {

// Puts the nodes of functions in place of the nodes that call them, until none is left; model.functions is empty then. Throws
// FormatError if a function calls itself, or if there are too many nodes then.
void inline_functions(Model& model);

}  // namespace sonde::formats::onnx
