#include "faults/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace sonde::faults {

std::vector<double> Random::uniform(std::size_t count) {
  std::vector<double> numbers(count);
  for (double& number : numbers) number = (static_cast<double>(engine_()) + 0.5) / 4294967296.0;
  return numbers;
}

std::vector<double> Random::normal(std::size_t count) {
  const std::vector<double> uniforms = uniform((count + 1) / 2 * 2);
  std::vector<double> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double radius = std::sqrt(-2 * std::log(uniforms[i / 2 * 2]));
    const double angle = 2 * std::numbers::pi * uniforms[i / 2 * 2 + 1];
    numbers[i] = radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
  }
  return numbers;
}

std::vector<std::size_t> Random::permutation(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (count < 2) return order;
  const std::vector<double> uniforms = uniform(count - 1);
  for (std::size_t i = count - 1; i > 0; --i) {
    const auto j = static_cast<std::size_t>(uniforms[count - 1 - i] * static_cast<double>(i + 1));
    std::swap(order[i], order[j]);
  }
  return order;
}

}  // namespace sonde::faults
