// The architectures: small, but with the operations and the structure of the real ones.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compare/blocks.h"

namespace sonde::pairs {

class Network : public Block {
 public:
  // (batch, channels, height, width) images, or (batch, length) tokens, to (batch, classes).
  virtual at::Tensor forward(at::Tensor x) = 0;
  Blueprint blueprint;
};

struct Architecture {
  std::string name;
  std::function<std::shared_ptr<Network>(const Config&)> build;
  std::vector<std::int64_t> input;  // shape
  std::int64_t tokens = 0;          // size of the vocabulary; 0 for images
};

[[nodiscard]] Architecture residual_cnn();
[[nodiscard]] Architecture mobilenet();
[[nodiscard]] Architecture recurrent();
[[nodiscard]] Architecture transformer();

}  // namespace sonde::pairs
