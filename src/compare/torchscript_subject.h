// A TorchScript module.
#pragma once

#include <string>

#include <sonde/compare.h>

namespace sonde::compare {

// Loaded onto the CPU. Throws CompareError: no such file, or a file that is no TorchScript, for example a state dict that
// torch.save has written.
[[nodiscard]] Model load_torchscript(const std::string& path);

}  // namespace sonde::compare
