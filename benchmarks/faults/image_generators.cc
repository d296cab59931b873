#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>
#include <stdexcept>

#include "faults/generators.h"
#include "faults/random.h"

namespace sonde::faults {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr std::size_t kSide = 8;  // of the digits as they are stored

struct Digit {
  std::int64_t label;
  std::array<double, kSide * kSide> pixels;
};

std::vector<Digit> read_digits(const std::filesystem::path& file, std::int64_t classes) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("the digits cannot be read: " + file.string());
  std::vector<Digit> digits;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream cells(line);
    std::string cell;
    Digit digit{};
    std::size_t i = 0;
    for (; std::getline(cells, cell, ','); ++i) {
      if (i == 0) digit.label = std::stoll(cell);
      if (i > 0 && i <= digit.pixels.size()) digit.pixels[i - 1] = std::stod(cell);
    }
    if (i != digit.pixels.size() + 1) throw std::runtime_error(file.string() + ": expected 65 numbers in a row");
    if (digit.label < classes) digits.push_back(digit);
  }
  if (digits.empty()) throw std::runtime_error(file.string() + ": no digits");
  return digits;
}

// Which digit each sample is: in the permuted order, or, with a given share of class 0, the next one of its class.
std::vector<std::size_t> choose(const DataSpec& data, const std::vector<Digit>& digits,
                                const std::vector<std::size_t>& order) {
  const auto n = static_cast<std::size_t>(data.n);
  std::vector<std::size_t> chosen(n);
  if (!data.imbalance) {
    for (std::size_t i = 0; i < n; ++i) chosen[i] = order[i % order.size()];
    return chosen;
  }
  std::vector<std::vector<std::size_t>> by_class(static_cast<std::size_t>(data.classes));
  for (std::size_t row : order) {
    by_class[static_cast<std::size_t>(data.parity ? digits[row].label % 2 : digits[row].label)].push_back(row);
  }
  std::vector<std::size_t> next(by_class.size(), 0);
  const std::vector<std::int64_t> classes = class_sequence(data);
  for (std::size_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::size_t>(classes[i]);
    chosen[i] = by_class[c][next[c]++ % by_class[c].size()];
  }
  return chosen;
}

Shape image_shape(const DataSpec& data, std::int64_t height, std::int64_t width) {
  if (data.flat) return {data.n, data.channels * height * width};
  return {data.n, data.channels, height, width};
}

}  // namespace

Samples generate_digits(const DataSpec& data, const std::filesystem::path& file) {
  const std::vector<Digit> digits = read_digits(file, data.parity ? 10 : data.classes);
  const std::vector<std::size_t> chosen = choose(data, digits, Random(data.seed).permutation(digits.size()));
  const auto size = static_cast<std::size_t>(data.size);
  Samples out{{image_shape(data, data.size, data.size), {}}, {{data.n}, {}}, false};
  out.x.values.reserve(chosen.size() * static_cast<std::size_t>(data.channels) * size * size);
  for (std::size_t row : chosen) {
    const Digit& digit = digits[row];
    for (std::int64_t channel = 0; channel < data.channels; ++channel) {
      for (std::size_t i = 0; i < size * size; ++i) {
        out.x.values.push_back(digit.pixels[i / size * kSide / size * kSide + i % size * kSide / size]);
      }
    }
    out.y.values.push_back(static_cast<double>(data.parity ? digit.label % 2 : digit.label));
  }
  return out;
}

Samples generate_patterns(const DataSpec& data) {
  Random random(data.seed);
  const auto n = static_cast<std::size_t>(data.n);
  const auto channels = static_cast<std::size_t>(data.channels);
  const auto height = static_cast<std::size_t>(data.height);
  const auto width = static_cast<std::size_t>(data.width);
  const std::vector<std::int64_t> classes = class_sequence(data);
  const std::vector<double> phase = random.uniform(n);
  std::vector<double> pixels = random.normal(n * channels * height * width);
  std::size_t next = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double share = static_cast<double>(classes[i]) / static_cast<double>(data.classes);
    const double theta = kPi * share;
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const double hue = share - static_cast<double>(channel) / static_cast<double>(channels);
      const double colour = channels == 1 ? 1 : 0.5 + 0.5 * std::cos(2 * kPi * hue);
      for (std::size_t row = 0; row < height; ++row) {
        for (std::size_t col = 0; col < width; ++col, ++next) {
          const double u = static_cast<double>(col) / static_cast<double>(width);
          const double v = static_cast<double>(row) / static_cast<double>(height);
          const double wave = 2 * kPi * 3 * (u * std::cos(theta) + v * std::sin(theta)) + 2 * kPi * phase[i];
          const double gray = 0.5 + 0.5 * std::sin(wave);
          pixels[next] = std::min(1.0, std::max(0.0, gray * colour + data.noise * pixels[next]));
        }
      }
    }
  }
  Array y{{data.n}, std::vector<double>(classes.begin(), classes.end())};
  return {{image_shape(data, data.height, data.width), std::move(pixels)}, std::move(y), false};
}

}  // namespace sonde::faults
