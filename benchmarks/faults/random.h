// The random numbers of the case format: the same on every machine, unlike those of <random>'s distributions.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace sonde::faults {

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  // `count` uniforms in (0, 1): (raw + 0.5) / 2^32.
  [[nodiscard]] std::vector<double> uniform(std::size_t count);
  // `count` standard normals by Box and Muller; draws an even number of uniforms.
  [[nodiscard]] std::vector<double> normal(std::size_t count);
  // A permutation of 0 .. count-1 (Fisher and Yates from the end). Draws count-1 uniforms as a block.
  [[nodiscard]] std::vector<std::size_t> permutation(std::size_t count);

 private:
  std::mt19937 engine_;
};

}  // namespace sonde::faults
